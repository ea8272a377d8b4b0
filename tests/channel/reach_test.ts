/** What follows when a process on another host cannot be connected to. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { afterObstacle, type Obstacle, obstacleOf } from "../../src/channel/reach.ts";
import { Hold } from "../../src/channel/hold.ts";
import { Hub } from "../../src/channel/hub.ts";
import { ProtocolError } from "../../src/core/protocol_error.ts";
import { makePid, type Pid, randomId } from "../../src/core/pid.ts";
import { until } from "./pair.ts";

Deno.test("an attempt meets an obstacle unless something answered", () => {
  const table: [Error, Obstacle | undefined][] = [
    [new Deno.errors.ConnectionRefused("x"), { why: "connection refused", mayHaveEnded: true }],
    [new DOMException("x", "AbortError"), { why: "no answer", mayHaveEnded: false }],
    [new Deno.errors.TimedOut("x"), { why: "no answer", mayHaveEnded: false }],
    [new Error("No route to host"), { why: "No route to host", mayHaveEnded: false }],
    [new Deno.errors.ConnectionReset("x"), undefined],
    [new Deno.errors.UnexpectedEof("x"), undefined],
    [new ProtocolError("x"), undefined],
  ];
  for (const [error, obstacle] of table) assertEquals(obstacleOf(error), obstacle, error.name);
});

Deno.test("after seconds it is said, and after 30 s a process that has not ended is given up", () => {
  const silent = { why: "no answer", mayHaveEnded: false };
  const refused = { why: "connection refused", mayHaveEnded: true };
  const table: [Obstacle, number, ReturnType<typeof afterObstacle>][] = [
    [silent, 0, "retry"],
    [silent, 2_999, "retry"],
    [silent, 3_000, "say"],
    [silent, 29_999, "say"],
    [silent, 30_000, "give up"],
    [refused, 2_999, "retry"],
    [refused, 3_000, "say"],
    [refused, 1_000_000, "say"],
  ];
  for (const [obstacle, forMs, next] of table) {
    assertEquals(afterObstacle(obstacle, forMs), next, `${obstacle.why} for ${forMs} ms`);
  }
});

/** A process whose own host is not that of the processes that it connects to. */
function processOn(host: string): { hub: Hub; log: string[] } {
  const listener = Deno.listen({ hostname: host, port: 0 });
  const log: string[] = [];
  const hub = new Hub({
    pid: makePid(randomId(), host, listener.addr.port),
    key: new Uint8Array(32),
    listeners: [listener],
    hold: new Hold(listener),
    ended: () => new Promise(() => {}),
    log: (line) => log.push(line),
  });
  return { hub, log };
}

/** A Pid at a port where nothing listens. */
function nobodyAt(host: string): Pid {
  const listener = Deno.listen({ hostname: host, port: 0 });
  listener.close();
  return makePid(randomId(), host, listener.addr.port);
}

Deno.test(
  "a process that cannot be reached on another host is in one line of the log, and in what is waited for",
  {
    // Other systems have no second loopback address.
    ignore: Deno.build.os !== "linux",
    sanitizeOps: false,
    sanitizeResources: false,
  },
  async () => {
    const { hub, log } = processOn("127.0.0.1");
    const [far, near] = [nobodyAt("127.0.0.2"), nobodyAt("127.0.0.1")];
    for (const pid of [far, near]) hub.peer(pid).openEnd();
    await until(() => log.length > 0, "a line");
    const address = far.slice(far.indexOf("@") + 1);
    const why = "connection refused";
    assertEquals(log, [
      `cannot connect to ${
        far.slice(0, 7)
      }: it cannot be reached at ${address} from 127.0.0.1: ${why}`,
    ]);
    assertEquals([...hub.pending()], [{ kind: "reach", remote: far, address, why }]);
    for (const pid of [far, near]) hub.peer(pid).abandon();
    assertEquals(log.length, 1);
  },
);
