/** What follows when a process on another host cannot be connected to. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
// @ts-types="../../types/std_async.d.ts"
import { delay } from "@std/async/delay";
import { afterObstacle, obstacleOf, PATIENCE } from "../../src/channel/dial.ts";
import { Hold } from "../../src/channel/hold.ts";
import { Hub } from "../../src/channel/hub.ts";
import { ChannelProtection } from "../../src/net/channel_protection.ts";
import { ProtocolError } from "../../src/core/errors.ts";
import { makePid, type Pid, randomId } from "../../src/core/pid.ts";
import type { Patience } from "../../src/net/liveness.ts";
import { closedPort } from "../net/closed_port.ts";
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

/** A process whose own host is not that of the processes that it connects to; the test may change its patience. */
function processOn(
  host: string,
  patience: Patience,
  unreached: (remote: Pid, why: string) => Promise<boolean>,
): { hub: Hub; log: string[] } {
  const listener = Deno.listen({ hostname: host, port: 0 });
  const log: string[] = [];
  const key = new Uint8Array(32);
  const hub = new Hub({
    pid: makePid(randomId(), host, listener.addr.port),
    key,
    protection: new ChannelProtection({ key }),
    listeners: [listener],
    hold: new Hold(listener),
    ended: () => new Promise(() => {}),
    log: (line) => log.push(line),
    refused: ({ line }) => log.push(line),
    unreached,
    patience,
  });
  return { hub, log };
}

/** A Pid at that port. */
function nobodyAt(host: string, { port }: { port: number }): Pid {
  return makePid(randomId(), host, port);
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
    const patience = { sayMs: 0, giveUpMs: Infinity };
    const { hub, log } = processOn("127.0.0.1", patience, (remote, why) => {
      asked.push(`${remote} ${why}`);
      return given.promise;
    });
    using farPort = await closedPort("127.0.0.2");
    using nearPort = await closedPort("127.0.0.1");
    const [far, near] = [nobodyAt("127.0.0.2", farPort), nobodyAt("127.0.0.1", nearPort)];
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
    patience.giveUpMs = 0;
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
    const { hub, log } = processOn("127.0.0.1", { sayMs: 0, giveUpMs: 0 }, () => {
      asked++;
      return Promise.resolve(false);
    });
    using farPort = await closedPort("127.0.0.2");
    const far = nobodyAt("127.0.0.2", farPort);
    hub.peer(far).openEnd();
    await until(() => asked > 0, "a question");
    await delay(200); // several attempts, at each of which it would be given up
    assertEquals([asked, log, [...hub.pending()], hub.peer(far).gone], [1, [], [], false]);
    hub.peer(far).abandon();
  },
);

/** Opens all files that it may, with a process to connect to on its own host, which is there. Prints what it says of it. */
const CROWDED = `
const load = (path) => import(new URL(path, ${JSON.stringify(import.meta.url)}).href);
const { Hub } = await load("../../src/channel/hub.ts");
const { Hold } = await load("../../src/channel/hold.ts");
const { ChannelProtection } = await load("../../src/net/channel_protection.ts");
const { makePid, randomId } = await load("../../src/core/pid.ts");
const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
const other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
const patience = { sayMs: 0, giveUpMs: Infinity };
const lost = Promise.withResolvers();
const key = new Uint8Array(32);
const hub = new Hub({
  pid: makePid(randomId(), "127.0.0.1", listener.addr.port),
  key,
  protection: new ChannelProtection({ key }),
  listeners: [listener],
  hold: new Hold(listener),
  ended: () => new Promise(() => {}),
  log: (line) => {
    console.log(line.replace(/^.*: it/, "it"));
    console.log(JSON.stringify([...hub.pending()].map(({ kind, why }) => [kind, why])));
    patience.giveUpMs = 0;
  },
  refused: () => {},
  unreached: () => Promise.resolve(true),
  patience,
});
const files = [];
try { for (;;) files.push(Deno.openSync("/dev/null")); } catch { /* there are no more */ }
const peer = hub.peer(makePid(randomId(), "127.0.0.1", other.addr.port));
peer.openEnd();
while (!peer.gone) await new Promise((resolve) => setTimeout(resolve, 5));
Deno.exit(0);
`;

Deno.test(
  "a process that may open no more files says so of one on its own host, too, and gives it up",
  options,
  async () => {
    const { stdout, success } = await new Deno.Command("/bin/sh", {
      args: ["-c", `ulimit -n 100; exec "$0" eval "$1"`, Deno.execPath(), CROWDED],
      signal: AbortSignal.timeout(60_000),
    }).output();
    const why = "Too many open files (os error 24)";
    const [said, pending] = new TextDecoder().decode(stdout).trim().split("\n");
    assertEquals(
      said?.replace(/at \S+/, "at X"),
      `it cannot be reached at X from 127.0.0.1: ${why}`,
    );
    assertEquals(pending, JSON.stringify([["reach", why]]));
    assertEquals(success, true);
  },
);
