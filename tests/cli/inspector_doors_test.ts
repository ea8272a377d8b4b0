/** The ports for debuggers on the machine of `deploy`. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { InspectorDoors } from "../../src/cli/inspector_doors.ts";
import { makePid, NO_PORT, randomId } from "../../src/core/pid.ts";
import { LOCAL_NETWORK } from "../../src/net/liveness.ts";

const LOOPBACK = "127.0.0.1";

/** What a debugger is answered at a port; "" if nobody listens there. */
async function answerAt(port: number): Promise<string> {
  try {
    return await (await fetch(`http://${LOOPBACK}:${port}/json/list`)).text();
  } catch {
    return "";
  }
}

/** The port at which debuggers are answered with that text: the first one that is free from 9229 on. */
async function portOf(text: string): Promise<number> {
  for (let port = 9229; port < 9329; port++) {
    if ((await answerAt(port)).includes(text)) return port;
  }
  throw new Error("there is no such port");
}

/** Whether it closes a connection that has said nothing. */
async function isClosed(conn: Deno.TcpConn): Promise<boolean> {
  return await conn.read(new Uint8Array(1)).then((count) => count === null, () => true);
}

Deno.test("silent connections to the port of a process take few places, and keep no debugger out", async () => {
  const why = `no bridge ${crypto.randomUUID()}`;
  const doors = new InspectorDoors({
    bridge: { address: "", liveness: LOCAL_NETWORK, dial: () => Promise.reject(new Error(why)) },
    inspection: { names: null, breaks: false },
    token: () => "",
    remark: () => Promise.resolve(),
    strangers: { max: 4, timeoutMs: 3_600_000 },
  });
  const pid = makePid(randomId(), LOOPBACK, NO_PORT);
  const process = { parent: null, pid, name: "main", node: null, inspected: true, time: 0 };
  doors.took({ event: "spawn", ...process });
  const port = await portOf(why);
  const silent: Deno.TcpConn[] = [];
  for (let count = 0; count < 12; count++) {
    silent.push(await Deno.connect({ hostname: LOOPBACK, port }));
  }
  const closed = await Promise.all(silent.slice(0, 8).map(isClosed));
  assertEquals(closed, closed.map(() => true));
  assert((await answerAt(port)).includes(why));
  doors.took({ event: "exit", pid, status: { code: 0 }, time: 0 });
  await doors.close();
  assertEquals(await answerAt(port), "");
  for (const conn of silent) conn.close();
});
