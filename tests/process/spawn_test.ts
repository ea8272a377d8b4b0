/** spawn(): its requests to the node, its errors, and the results of the answers. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { decode } from "../../src/codec/value_decoder.ts";
import { SpawnError } from "../../src/core/errors.ts";
import type { Pid } from "../../src/core/pid.ts";
import { DEFAULT_RESOURCES } from "../../src/core/resources.ts";
import { pid, resources } from "../../src/process/current.ts";
import { spawnable, type SpawnFunction } from "../../src/process/registry.ts";
import { spawn, type SpawnOptions, trySpawn } from "../../src/process/spawn.ts";
import { kill, selectableWait, wait } from "../../src/process/wait.ts";
import { type Answer, asked, OTHER, OWN } from "./asked.ts";

const work = spawnable("test/work", (_parent: Pid, _arg?: unknown) => {});

const SPAWNED: Answer = { type: "spawned", pid: OTHER };

// The first test of the file, since the later ones give the process an identity.
Deno.test("before init(), everything that needs it says to await it", async () => {
  const table: [string, () => unknown][] = [
    ["spawn", () => spawn(work)],
    ["spawn", () => trySpawn(work)],
    ["wait", () => wait(OTHER)],
    ["kill", () => kill(OTHER)],
    ["wait", () => selectableWait(OTHER)],
    ["get the pid", () => pid()],
    ["get the resources", () => resources()],
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
  const { arg: _arg, ...rest } = request;
  assertEquals(rest, {
    type: "spawn",
    request: 0,
    function: "test/work",
    name: "test/work",
    resources: { mem: 5, cpu: 0 },
    wait: true,
    cwd: Deno.cwd(),
    env: null,
  });
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

Deno.test("spawn() sends the displayed name besides the function's", async () => {
  const name = "ä".repeat(127) + "x";
  const [request] = await asked(SPAWNED, () => spawn(work, 1, { name }));
  assert(request?.type === "spawn");
  assertEquals([request.function, request.name], ["test/work", name]);
});

Deno.test("spawn() sends the changes of the environment since the start", async () => {
  Deno.env.set("DEPLOY_TEST_GONE", "1");
  const [request] = await asked(SPAWNED, async () => {
    Deno.env.set("DEPLOY_TEST_NEW", "2");
    Deno.env.delete("DEPLOY_TEST_GONE");
    await spawn(work);
  }).finally(() => Deno.env.delete("DEPLOY_TEST_NEW"));
  assert(request?.type === "spawn" && request.env !== null);
  assertEquals(decode(request.env), { DEPLOY_TEST_NEW: "2", DEPLOY_TEST_GONE: null });
});

Deno.test("spawn() rejects invalid arguments, and sends nothing", async () => {
  const cyclic: { self?: unknown; run?: () => void } = { run() {} };
  cyclic.self = cyclic;
  const invalid = (options: unknown) => () => spawn(work, 1, options as SpawnOptions);
  const table: [() => Promise<unknown>, typeof SpawnError | typeof TypeError, string][] = [
    [() => spawn(() => {}), SpawnError, "Cannot spawn an anonymous function: it is not registered"],
    [() => spawn("work" as unknown as SpawnFunction, 1), TypeError, 'Cannot spawn "work"'],
    [() => spawn(work, cyclic), TypeError, "value.run is a function; functions cannot be sent"],
    [invalid({ mem: -1 }), SpawnError, "Cannot spawn test/work(): mem is -1"],
    [invalid({ cpu: NaN }), SpawnError, "cpu is NaN"],
    [invalid({ mem: "1 GiB" }), SpawnError, 'mem is "1 GiB"'],
    [invalid({ cpu: Infinity }), SpawnError, "cpu is Infinity"],
    [
      invalid({ permissions: { nett: true } }),
      TypeError,
      'Cannot spawn test/work(): permissions has no "nett"; did you mean "net"?',
    ],
    [invalid({ permissions: "none" }), TypeError, "permissions is none, not an object"],
    [
      invalid({ permissions: { read: "all" } }),
      TypeError,
      'permissions.read is all, not "inherit", a boolean or a list',
    ],
    [
      invalid({ permissions: { read: ["a,b"] } }),
      TypeError,
      'permissions.read has "a,b", not a text without commas',
    ],
    [invalid(null), TypeError, "options is null, not an object"],
    [invalid(3), TypeError, "options is 3, not an object"],
    [invalid({ memory: 1 }), TypeError, 'options has no "memory"; did you mean "mem"?'],
    [invalid({ CPU: 1 }), TypeError, 'options has no "CPU"; did you mean "cpu"?'],
    [invalid({ name: "" }), TypeError, 'name is "", not a non-empty string'],
    [invalid({ name: 5 }), TypeError, "name is 5, not a non-empty string"],
    [
      invalid({ name: "two\nlines" }),
      TypeError,
      '"two\\nlines", which contains a control character',
    ],
    [invalid({ name: "\u202eright to left" }), TypeError, "which contains a control character"],
    [invalid({ name: "half of \ud83d" }), TypeError, "which contains a control character"],
    [invalid({ name: "ä".repeat(128) }), TypeError, "name has 256 bytes in UTF-8"],
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

Deno.test("spawn() with an aborted signal rejects with its reason, and sends nothing", async () => {
  const signal = AbortSignal.abort("no more");
  const messages = await asked(SPAWNED, async (hold) => {
    for (const start of [spawn, trySpawn]) {
      assertEquals(await start(work, 1, { signal }).catch((reason) => reason), "no more");
    }
    assertEquals(hold.count, 0);
    const wrong = () => spawn(work, 1, { signal: 5 as unknown as AbortSignal });
    await assertRejects(wrong, TypeError, "signal is 5, not an AbortSignal");
  });
  assertEquals(messages, []);
});

Deno.test("a spawn() that is given up is cancelled, and holds the process until that is answered", async () => {
  const answers: Answer[] = [
    { type: "failed", reason: "lost", message: "Cannot spawn test/work(): it was cancelled" },
    SPAWNED, // the two messages have crossed
  ];
  for (const answer of answers) {
    const spawned = Promise.withResolvers<Answer>();
    const killed = Promise.withResolvers<Answer>();
    const crossed = answer === SPAWNED;
    const messages = await asked(
      ({ type }) => type === "spawn" ? spawned.promise : killed.promise,
      async (hold) => {
        const controller = new AbortController();
        const spawning = spawn(work, 1, { signal: controller.signal });
        const reason = new Error("enough");
        controller.abort(reason);
        assertEquals(await spawning.catch((error) => error), reason);
        assertEquals(hold.count, 1, "what is to come is not seen to yet");
        spawned.resolve(answer);
        if (crossed) killed.resolve({ type: "killed" });
        await hold.idle();
      },
    );
    const [first, ...rest] = messages;
    assertEquals(first?.type, "spawn");
    const how = { signal: null, graceMs: 0, descendants: true };
    assertEquals(rest, [
      { type: "cancel", request: 0 },
      ...(crossed ? [{ type: "kill" as const, request: 1, pid: OTHER, ...how }] : []),
    ]);
  }
});

Deno.test("a signal has no effect once its spawn() has resolved", async () => {
  const controller = new AbortController();
  const messages = await asked(SPAWNED, async () => {
    assertEquals(await spawn(work, 1, { signal: controller.signal }), OTHER);
    controller.abort();
    assertEquals(await spawn(work, 1), OTHER);
  });
  assertEquals(messages.map(({ type }) => type), ["spawn", "spawn"]);
});

Deno.test("spawn() rejects with the reason and the message that the node gives", async () => {
  for (const reason of ["no-capacity", "unsatisfiable", "not-started", "lost"] as const) {
    await asked({ type: "failed", reason, message: "it is full" }, async () => {
      const error = await assertRejects(() => spawn(work), SpawnError, "it is full");
      assertEquals(error.reason, reason);
    });
  }
});

Deno.test("pid() and resources() return those of this process", async () => {
  await asked(SPAWNED, () => {
    assertEquals(pid(), OWN);
    assertEquals(resources(), DEFAULT_RESOURCES);
    return Promise.resolve();
  });
});
