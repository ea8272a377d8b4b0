// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { SpawnError } from "../../src/core/errors.ts";
import { exposition } from "../../src/core/metrics.ts";
import { GiB, MiB } from "../../src/core/resources.ts";
import type { SpawnRequest } from "../../src/core/roles.ts";
import { Room } from "../../src/master/room.ts";

function request(mem: number, cpu = 0): SpawnRequest {
  const resources = { mem, cpu };
  const rest = { arg: new Uint8Array(), resources, cwd: null, env: null };
  return { parent: null, function: "work", name: "shown", ...rest };
}

Deno.test("Room grants room while there is some, then queues, and releases once only", async () => {
  const room = new Room();
  room.addNode("n1", { mem: 1 * GiB, cpu: 1 });
  const one = await room.take(request(1 * GiB), { wait: true });
  const waiting = room.take(request(1 * GiB), { wait: true });
  await assertRejects(
    () => room.take(request(1), { wait: false }),
    SpawnError,
    "Cannot spawn work(): no node has 1 B free",
  );
  one.free();
  one.free();
  const two = await waiting;
  assertEquals([one.node, two.node], ["n1", "n1"]);
  await assertRejects(() => room.take(request(1), { wait: false }), SpawnError, "free");
});

Deno.test("Room says why a process of some size waits", () => {
  const room = new Room();
  const need = { mem: 1 * GiB, cpu: 1 };
  assertEquals(room.whyWaits(need), "no node has 1 GiB and 1 core; the cluster has no nodes");
  room.addNode("n1", { mem: 512, cpu: 1 });
  assertEquals(
    room.whyWaits(need),
    "no node has 1 GiB and 1 core; the largest has 512 B and 1 core",
  );
  room.expectNode("n2", need);
  assertEquals(room.whyWaits(need), "no node has 1 GiB and 1 core free");
  room.addNode("n2", need);
  assertEquals(
    room.whyWaits(need),
    "n2 has 1 GiB and 1 core free, reserved for requests that have waited longer",
  );
});

Deno.test("Room refuses at once what fits nowhere, and gives the largest sizes", async () => {
  const room = new Room();
  room.expectNode("n1", { mem: 2 * GiB, cpu: 1 });
  room.addNode("n2", { mem: 1 * GiB, cpu: 4 });
  const error = await assertRejects(
    () => room.take(request(3 * GiB), { wait: true }),
    SpawnError,
    "the largest has 2 GiB and 4 cores",
  );
  assertEquals(error.reason, "unsatisfiable");
  const first = { ...request(3 * GiB), function: null, name: "main.ts" };
  await assertRejects(
    () => room.take(first, { wait: true }),
    SpawnError,
    "Cannot spawn the first process: no node has 3 GiB",
  );
  // A request that fits only an absent node waits for it.
  const waiting = room.take(request(2 * GiB), { wait: true });
  room.addNode("n1", { mem: 2 * GiB, cpu: 1 });
  assertEquals((await waiting).node, "n1");
});

Deno.test("Room cancels a waiting request when its signal is aborted", async () => {
  const room = new Room();
  room.addNode("n1", { mem: 1 * GiB, cpu: 1 });
  const one = await room.take(request(1 * GiB), { wait: true });
  const aborting = new AbortController();
  const { signal } = aborting;
  const gone = assertRejects(
    () => room.take(request(1 * GiB), { wait: true, signal }),
    SpawnError,
    "the request was cancelled",
  );
  aborting.abort();
  await gone;
  await assertRejects(() => room.take(request(1), { wait: true, signal }), SpawnError, "cancelled");
  const next = room.take(request(1 * GiB), { wait: true });
  one.free();
  assertEquals((await next).node, "n1");
});

Deno.test("grants of a lost node are not released later, and the node comes back empty", async () => {
  const room = new Room();
  room.addNode("n1", { mem: 1 * GiB, cpu: 1 });
  const lost = await room.take(request(1 * GiB), { wait: true });
  const waiting = room.take(request(1 * GiB), { wait: true });
  room.loseNode("n1");
  lost.free();
  room.addNode("n1", { mem: 1 * GiB, cpu: 1 });
  const granted = await waiting;
  lost.free();
  await assertRejects(() => room.take(request(1), { wait: false }), SpawnError, "free");
  granted.free();
  await room.take(request(1), { wait: false });
});

Deno.test("find() says where a process would go, and takes nothing", async () => {
  const room = new Room();
  assertEquals(
    room.find({ mem: 1, cpu: 0 }).message,
    "no node has 1 B; the cluster has no nodes",
  );
  room.addNode("n1", { mem: 1 * GiB, cpu: 1 });
  for (let count = 0; count < 3; count++) {
    assertEquals(room.find({ mem: 600 * MiB, cpu: 1 }), {
      node: "n1",
      possible: true,
      message: "600 MiB and 1 core would go to n1",
    });
  }
  await room.take(request(1 * GiB), { wait: true });
  const shown = (mem: number) => {
    const { node, possible } = room.find({ mem, cpu: 1 });
    return { node, possible };
  };
  assertEquals(shown(600 * MiB), { node: null, possible: true });
  assertEquals(shown(2 * GiB), { node: null, possible: false });
});

Deno.test("Room measures how requests end, and how long they wait", async () => {
  let nowMs = 0;
  const room = new Room(undefined, () => nowMs);
  room.addNode("n1", { mem: 1 * GiB, cpu: 1 });
  const one = await room.take(request(1 * GiB), { wait: true });
  const waiting = room.take(request(1 * GiB), { wait: true });
  const given = new AbortController();
  const cancelled = room.take(request(1 * GiB), { wait: true, signal: given.signal });
  const text = () => exposition(room.meter.metrics());
  assertStringIncludes(text(), "deploy_spawns_waiting 2\n");
  given.abort();
  await assertRejects(() => cancelled, SpawnError, "cancelled");
  await assertRejects(() => room.take(request(1), { wait: false }), SpawnError, "free");
  await assertRejects(() => room.take(request(2 * GiB), { wait: true }), SpawnError, "even when");
  nowMs = 7_000;
  one.free();
  await waiting;
  for (
    const line of [
      "deploy_spawns_waiting 0",
      'deploy_spawn_requests_total{outcome="granted"} 2',
      'deploy_spawn_requests_total{outcome="no-capacity"} 1',
      'deploy_spawn_requests_total{outcome="unsatisfiable"} 1',
      'deploy_spawn_requests_total{outcome="cancelled"} 1',
      'deploy_spawn_wait_seconds_bucket{le="5"} 1',
      'deploy_spawn_wait_seconds_bucket{le="10"} 2',
      "deploy_spawn_wait_seconds_sum 7",
    ]
  ) assertStringIncludes(text(), `${line}\n`);
});
