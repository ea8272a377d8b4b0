/** What follows when a process on another host cannot be connected to. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
// @ts-types="../../types/std_async.d.ts"
import { delay } from "@std/async/delay";
import { afterObstacle, obstacleOf, PATIENCE } from "../../src/channel/reach.ts";
import { Hold } from "../../src/channel/hold.ts";
import { Hub } from "../../src/channel/hub.ts";
import { ProtocolError } from "../../src/core/protocol_error.ts";
import { makePid, type Pid, randomId } from "../../src/core/pid.ts";
import { until } from "./pair.ts";

Deno.test("an attempt meets an obstacle unless something answered", () => {
  const table: [Error, string | undefined][] = [
    [new Deno.errors.ConnectionRefused("x"), "connection refused"],
    [new DOMException("x", "AbortError"), "no answer"],
    [new Deno.errors.TimedOut("x"), "no answer"],
    [new Error("No route to host"), "No route to host"],
    [new Deno.errors.ConnectionReset("x"), undefined],
    [new Deno.errors.UnexpectedEof("x"), undefined],
    [new ProtocolError("x"), undefined],
  ];
  for (const [error, obstacle] of table) assertEquals(obstacleOf(error), obstacle, error.name);
});

Deno.test("after 3 s it is said, and after 30 s the process is given up", () => {
  const table: [number, ReturnType<typeof afterObstacle>][] = [
    [0, "retry"],
    [2_999, "retry"],
    [3_000, "say"],
    [29_999, "say"],
    [30_000, "give up"],
    [1_000_000, "give up"],
  ];
  for (const [forMs, next] of table) assertEquals(afterObstacle(forMs, PATIENCE), next, `${forMs}`);
});

/** A process whose own host is not that of the processes that it connects to. */
function processOn(
  host: string,
  unreached: (remote: Pid, why: string) => Promise<boolean>,
): { hub: Hub; log: string[] } {
  const listener = Deno.listen({ hostname: host, port: 0 });
  const log: string[] = [];
  const hub = new Hub({
    pid: makePid(randomId(), host, listener.addr.port),
    key: new Uint8Array(32),
    listeners: [listener],
    hold: new Hold(listener),
    ended: () => new Promise(() => {}),
    log: (line) => log.push(line),
    refused: ({ line }) => log.push(line),
    unreached,
    patience: { sayMs: 50, giveUpMs: 200 },
  });
  return { hub, log };
}

/** A Pid at a port where nothing listens. */
function nobodyAt(host: string): Pid {
  const listener = Deno.listen({ hostname: host, port: 0 });
  listener.close();
  return makePid(randomId(), host, listener.addr.port);
}

// Other systems have no second loopback address.
const options = {
  ignore: Deno.build.os !== "linux",
  sanitizeOps: false,
  sanitizeResources: false,
};

Deno.test(
  "a process that cannot be reached on another host is in one line of the log, and in what is waited for; then it is lost",
  options,
  async () => {
    const asked: string[] = [];
    let given = Promise.withResolvers<boolean>();
    const { hub, log } = processOn("127.0.0.1", (remote, why) => {
      asked.push(`${remote} ${why}`);
      return given.promise;
    });
    const [far, near] = [nobodyAt("127.0.0.2"), nobodyAt("127.0.0.1")];
    for (const pid of [far, near]) hub.peer(pid).openEnd();
    await until(() => asked.length > 0, "a question");
    assertEquals(log, []); // its node may yet say that it has ended
    const first = given;
    given = Promise.withResolvers();
    first.resolve(true);
    await until(() => log.length > 0, "a line");
    const address = far.slice(far.indexOf("@") + 1);
    const why = "connection refused";
    assertEquals(log, [
      `cannot connect to ${
        far.slice(0, 7)
      }: it cannot be reached at ${address} from 127.0.0.1: ${why}`,
    ]);
    assertEquals([...hub.pending()], [{ kind: "reach", remote: far, address, why }]);
    assertEquals(hub.peer(far).gone, false);
    await until(() => asked.length > 1, "another question");
    given.resolve(true);
    await until(() => hub.peer(far).gone, "the end of the peer");
    assertEquals(asked, [`${far} ${why}`, `${far} ${why}`]);
    for (const pid of [far, near]) hub.peer(pid).abandon();
    assertEquals(log.length, 1);
  },
);

Deno.test(
  "a process that has ended is waited for, whatever its port does, and not said to be out of reach",
  options,
  async () => {
    let asked = 0;
    const { hub, log } = processOn("127.0.0.1", () => {
      asked++;
      return Promise.resolve(false);
    });
    const far = nobodyAt("127.0.0.2");
    hub.peer(far).openEnd();
    await until(() => asked > 0, "a question");
    await delay(400); // twice as long as it would take to give it up
    assertEquals([asked, log, [...hub.pending()], hub.peer(far).gone], [1, [], [], false]);
    hub.peer(far).abandon();
  },
);
