/** spawn, wait and kill: what they ask the node, what they refuse, and what they make of answers. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Hold } from "../../src/channel/hold.ts";
import { SpawnError } from "../../src/core/errors.ts";
import type { Pid } from "../../src/core/pid.ts";
import { DEFAULT_RESOURCES } from "../../src/core/resources.ts";
import { pid, resources, setCurrent } from "../../src/process/current.ts";
import { NodeLink } from "../../src/process/node_link.ts";
import { spawnable, type SpawnFunction } from "../../src/process/registry.ts";
import { kill, spawn, type SpawnOptions, trySpawn, wait } from "../../src/process/spawn.ts";
import {
  decodeProcessMessage,
  type NodeMessage,
  type ProcessMessage,
} from "../../src/wire/control.ts";
import { encodeMessage, MessageDecoder } from "../../src/wire/message.ts";
import { decode } from "../../src/codec/value_decoder.ts";

const OWN = "8a3be21f00d1c0ffee8a3be21f00d1c0@127.0.0.1:4100" as Pid;
const OTHER = "3fecd01f00d1c0ffee8a3be21f00d1c0@127.0.0.1:4101" as Pid;

const work = spawnable("test/work", (_parent: Pid, _arg: unknown) => {});

type Request = Extract<ProcessMessage, { request: number }>;
type Answer<Message = NodeMessage> = Message extends { request: number } ? Omit<Message, "request">
  : never;

/** Runs `act` in a process whose node gives `answer`; returns what the node was asked. */
async function asked(
  answer: Answer,
  act: (hold: Hold) => Promise<unknown>,
): Promise<Request[]> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepting = listener.accept();
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  const node = await accepting;
  const { promise: lost, resolve } = Promise.withResolvers<unknown>();
  const link = new NodeLink(conn, resolve);
  const hold = new Hold({ ref() {}, unref() {} });
  setCurrent({
    pid: OWN,
    resources: DEFAULT_RESOURCES,
    link,
    hold,
    environment: Deno.env.toObject(),
  });
  const requests: Request[] = [];
  const serving = (async () => {
    const decoder = new MessageDecoder();
    const buffer = new Uint8Array(64 * 1024);
    for (let count = await node.read(buffer); count !== null; count = await node.read(buffer)) {
      for (const body of decoder.push(buffer.subarray(0, count))) {
        const message = decodeProcessMessage(body);
        assert("request" in message);
        requests.push(message);
        assertEquals(hold.count, 1, "what is pending holds the process");
        await node.write(encodeMessage({ ...answer, request: message.request } as NodeMessage));
      }
    }
  })();
  try {
    await act(hold);
    assertEquals(hold.count, 0, "what has settled does not hold the process");
  } finally {
    await node.closeWrite();
    await lost;
    conn.close();
    await serving;
    node.close();
  }
  return requests;
}

const SPAWNED: Answer = { type: "spawned", pid: OTHER };

// The first test of the file: after it, the process has been given an identity.
Deno.test("everything that needs a process says before init() to await that", async () => {
  const table: [string, () => unknown][] = [
    ["spawn", () => spawn(work)],
    ["spawn", () => trySpawn(work)],
    ["wait", () => wait(OTHER)],
    ["kill", () => kill(OTHER)],
    ["tell the pid", () => pid()],
    ["tell the resources", () => resources()],
  ];
  for (const [action, use] of table) {
    await assertRejects(async () => await use(), Error, `Cannot ${action}: await init() first`);
  }
  assertThrows(() => pid(), Error);
});

Deno.test("spawn() asks for the function by name, with a copy of the argument", async () => {
  const [request] = await asked(SPAWNED, async () => {
    assertEquals(await spawn(work, { list: [1n, undefined] }, { mem: 5, cpu: 0 }), OTHER);
  });
  assert(request?.type === "spawn");
  const { name, resources, wait, cwd, env } = request;
  assertEquals(
    { name, resources, wait, cwd, env },
    { name: "test/work", resources: { mem: 5, cpu: 0 }, wait: true, cwd: Deno.cwd(), env: null },
  );
  assertEquals(decode(request.arg), { list: [1n, undefined] });
});

Deno.test("trySpawn() does not wait for room, and resources have defaults", async () => {
  const [request] = await asked(SPAWNED, async () => {
    assertEquals(await trySpawn(work, 1, { cpu: 2 }), OTHER);
  });
  assert(request?.type === "spawn");
  assertEquals([request.wait, request.resources.mem, request.resources.cpu], [
    false,
    DEFAULT_RESOURCES.mem,
    2,
  ]);
});

Deno.test("spawn() sends what changed in the environment since the start", async () => {
  Deno.env.set("DEPLOY_TEST_GONE", "1");
  const [request] = await asked(SPAWNED, async () => {
    Deno.env.set("DEPLOY_TEST_NEW", "2");
    Deno.env.delete("DEPLOY_TEST_GONE");
    await spawn(work);
  }).finally(() => Deno.env.delete("DEPLOY_TEST_NEW"));
  assert(request?.type === "spawn" && request.env !== null);
  assertEquals(decode(request.env), { DEPLOY_TEST_NEW: "2", DEPLOY_TEST_GONE: null });
});

Deno.test("spawn() rejects what cannot be, and asks nothing", async () => {
  const cyclic: { self?: unknown; run?: () => void } = { run() {} };
  cyclic.self = cyclic;
  const invalid = (options: unknown) => () => spawn(work, 1, options as SpawnOptions);
  const table: [() => Promise<unknown>, typeof SpawnError | typeof TypeError, string][] = [
    [() => spawn(() => {}), SpawnError, "Cannot spawn an anonymous function: it is not registered"],
    [() => spawn("work" as unknown as SpawnFunction), TypeError, 'Cannot spawn "work"'],
    [() => spawn(work, cyclic), TypeError, "value.run is a function; functions cannot be sent"],
    [invalid({ mem: -1 }), SpawnError, "Cannot spawn test/work(): mem is -1"],
    [invalid({ cpu: NaN }), SpawnError, "cpu is NaN"],
    [invalid({ mem: "1 GiB" }), SpawnError, 'mem is "1 GiB"'],
    [invalid({ cpu: Infinity }), SpawnError, "cpu is Infinity"],
    [invalid({ permissions: {} }), SpawnError, "permissions cannot be narrowed yet"],
    [invalid(null), TypeError, "options is null, not an object"],
    [invalid(3), TypeError, "options is 3, not an object"],
  ];
  const requests = await asked(SPAWNED, async (hold) => {
    for (const [act, type, message] of table) {
      const error = await assertRejects(act, type, message);
      if (error instanceof SpawnError) {
        assert(error.reason === "invalid" || error.reason === "unregistered");
      }
      assertEquals(hold.count, 0);
    }
  });
  assertEquals(requests, []);
});

Deno.test("spawn() rejects with the reason and the message that the node gives", async () => {
  for (const reason of ["no-capacity", "unsatisfiable", "not-started", "lost"] as const) {
    await asked({ type: "failed", reason, message: "it is full" }, async () => {
      const error = await assertRejects(() => spawn(work), SpawnError, "it is full");
      assertEquals(error.reason, reason);
    });
  }
});

Deno.test("wait() resolves with the status, and rejects with the node's message", async () => {
  const requests = await asked({ type: "ended", status: { signal: "SIGKILL" } }, async () => {
    assertEquals(await wait(OTHER), { signal: "SIGKILL" });
  });
  assertEquals(requests, [{ type: "wait", request: 0, pid: OTHER }]);
  const message = `Cannot wait for ${OTHER}: there is no such process`;
  await asked({ type: "failed", reason: "unknown", message }, async () => {
    await assertRejects(() => wait(OTHER), Error, message);
  });
});

Deno.test("wait() refuses what is no Pid, and this process itself", async () => {
  await asked({ type: "ended", status: { code: 0 } }, async () => {
    await assertRejects(() => wait("3" as Pid), TypeError, 'Cannot wait for "3": it is not a Pid');
    await assertRejects(() => wait(undefined as unknown as Pid), TypeError, "undefined");
    await assertRejects(() => wait(OWN), Error, "it is this process");
  });
});

Deno.test("kill() resolves when the node has done it, and rejects with its message", async () => {
  const requests = await asked({ type: "killed" }, async () => {
    assertEquals(await kill(OTHER), undefined);
    await assertRejects(() => kill("x" as Pid), TypeError, 'Cannot kill "x": it is not a Pid');
  });
  assertEquals(requests, [{
    type: "kill",
    request: 0,
    pid: OTHER,
    signal: null,
    graceMs: 0,
    descendants: false,
  }]);
  await asked({ type: "failed", reason: "unknown", message: "no such process" }, async () => {
    await assertRejects(() => kill(OTHER), Error, "no such process");
  });
});

Deno.test("pid() and resources() tell who this process is", async () => {
  await asked(SPAWNED, () => {
    assertEquals(pid(), OWN);
    assertEquals(resources(), DEFAULT_RESOURCES);
    return Promise.resolve();
  });
});
