// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertRejects } from "@std/assert";
import type { ExitStatus } from "../../src/core/exit_status.ts";
import { SpawnError } from "../../src/core/errors.ts";
import { makePid, type Pid, randomId } from "../../src/core/pid.ts";
import { DEFAULT_RESOURCES } from "../../src/core/resources.ts";
import type { Launched, NodePort, SpawnRequest } from "../../src/core/roles.ts";
import { KILL, type Termination } from "../../src/core/signals.ts";
import { Master } from "../../src/master/master.ts";
import { Unlimited } from "../../src/master/unlimited.ts";

/** A node whose launches are completed by the test. */
class ScriptedNode implements NodePort {
  readonly #launches: PromiseWithResolvers<Pid>[] = [];
  readonly #running = new Map<Pid, PromiseWithResolvers<ExitStatus>>();
  #launched = Promise.withResolvers<void>();
  readonly killed: Pid[] = [];
  readonly kills: Termination[] = [];
  readonly requests: SpawnRequest[] = [];

  async launch(request: SpawnRequest): Promise<Launched> {
    this.requests.push(request);
    const launch = Promise.withResolvers<Pid>();
    this.#launches.push(launch);
    this.#launched.resolve();
    this.#launched = Promise.withResolvers();
    const pid = await launch.promise;
    const ended = Promise.withResolvers<ExitStatus>();
    this.#running.set(pid, ended);
    return { pid, ended: ended.promise };
  }

  /** Ends a process. */
  end(pid: Pid, status: ExitStatus = { code: 0 }): void {
    this.#running.get(pid)?.resolve(status);
    this.#running.delete(pid);
  }

  /** The launch with that number, as soon as it exists. */
  async launched(index: number): Promise<PromiseWithResolvers<Pid>> {
    for (;;) {
      const launch = this.#launches[index];
      if (launch !== undefined) return launch;
      await this.#launched.promise;
    }
  }

  /** Processes that have ended, as far as the system is concerned. */
  readonly dead = new Set<Pid>();

  runs(pid: Pid): Promise<boolean> {
    return Promise.resolve(this.#running.has(pid) && !this.dead.has(pid));
  }

  kill(pid: Pid, how: Termination = KILL): Promise<boolean> {
    this.killed.push(pid);
    this.kills.push(how);
    const ran = this.#running.has(pid);
    this.end(pid, { signal: "SIGKILL" });
    return Promise.resolve(ran);
  }
}

const REQUEST: SpawnRequest = {
  parent: null,
  function: "work",
  name: "work",
  arg: new Uint8Array(),
  resources: DEFAULT_RESOURCES,
  cwd: null,
  env: null,
};

function newPid(): Pid {
  return makePid(randomId(), "127.0.0.1", 4100);
}

function setUp(): { master: Master; node: ScriptedNode; room: Unlimited } {
  const [room, node] = [new Unlimited(), new ScriptedNode()];
  room.addNode(node);
  return { master: new Master(room), node, room };
}

Deno.test("spawn() resolves and rejects like its node", async () => {
  const { master, node } = setUp();
  const pid = newPid();
  const spawned = master.spawn(REQUEST, { wait: true });
  (await node.launched(0)).resolve(pid);
  assertEquals(await spawned, pid);
  const failing = master.spawn(REQUEST, { wait: false });
  (await node.launched(1)).reject(new Error("no such executable"));
  await assertRejects(() => failing, Error, "no such executable");
});

Deno.test("wait() and kill() go to the node that hosts the process", async () => {
  const { master, node, room } = setUp();
  const other = new ScriptedNode();
  room.addNode(other);
  const [first, second] = [newPid(), newPid()];
  const spawned = [master.spawn(REQUEST, { wait: true }), master.spawn(REQUEST, { wait: true })];
  (await node.launched(0)).resolve(first);
  (await other.launched(0)).resolve(second);
  await Promise.all(spawned);
  const waiting = master.wait(first);
  node.end(first, { code: 3 });
  assertEquals(await waiting, { code: 3 });
  assertEquals(await master.kill(second), [second]);
  assertEquals([node.killed, other.killed], [[], [second]]);
});

Deno.test("an ended process can be waited for again, and is not killed", async () => {
  const { master, node } = setUp();
  const pid = await spawned(master, null, [node, 0]);
  node.end(pid, { code: 3 });
  for (let times = 0; times < 3; times++) assertEquals(await master.wait(pid), { code: 3 });
  assertEquals(await master.kill(pid), []);
  assertEquals(await master.kill(pid, { ...KILL, descendants: true }), []);
  assertEquals(node.killed, []);
});

Deno.test("wait() and kill() reject for an unknown Pid, and name it", async () => {
  const { master } = setUp();
  const pid = newPid();
  await assertRejects(() => master.wait(pid), Error, `Cannot wait for ${pid}: this program has no`);
  await assertRejects(() => master.kill(pid), Error, `Cannot kill ${pid}: this program has no`);
});

Deno.test("a process can be waited for before its node has reported its start", async () => {
  const { master, node } = setUp();
  const pid = newPid();
  const spawned = [1, 2, 3].map(() => master.spawn(REQUEST, { wait: true }));
  await node.launched(2);
  const waited = Promise.all([master.wait(pid), master.kill(pid)]);
  const unknown = assertRejects(() => master.wait(newPid()), Error, "no such process");
  // The first launch never completes, which does not prevent finding the second one's process.
  (await node.launched(1)).resolve(pid);
  assertEquals(await waited, [{ signal: "SIGKILL" }, [pid]]);
  // A Pid is unknown once no launch that was pending at that time can have it.
  (await node.launched(0)).resolve(newPid());
  (await node.launched(2)).resolve(newPid());
  await unknown;
  await Promise.all(spawned);
});

/** Spawns a process that is expected to be launch number `index` of `node`. */
async function spawned(
  master: Master,
  parent: Pid | null,
  [node, index]: readonly [ScriptedNode, number],
): Promise<Pid> {
  const pid = newPid();
  const spawning = master.spawn({ ...REQUEST, parent }, { wait: true });
  (await node.launched(index)).resolve(pid);
  return await spawning;
}

Deno.test("kill() with descendants ends a whole tree, on every node, and nothing else", async () => {
  const { master, node: here, room } = setUp();
  const there = new ScriptedNode();
  room.addNode(there);
  const root = await spawned(master, null, [here, 0]);
  const child = await spawned(master, root, [there, 0]);
  const other = await spawned(master, null, [here, 1]);
  const grandchild = await spawned(master, child, [there, 1]);
  const how = { signal: "SIGTERM", graceMs: 500 } as const;
  await master.kill(other, { ...how, descendants: false });
  assertEquals([here.killed, there.killed], [[other], []]);
  // An ended process may still have descendants.
  there.end(child);
  await master.wait(child);
  const killed = await master.kill(root, { ...how, descendants: true });
  assertEquals(killed, [root, grandchild]);
  assertEquals([here.killed, there.killed], [[other, root], [grandchild]]);
  for (const { signal, graceMs } of there.kills) assertEquals({ signal, graceMs }, how);
});

Deno.test("kill() with descendants ends processes that are being started, and no more are", async () => {
  const { master, node } = setUp();
  const root = await spawned(master, null, [node, 0]);
  const late = master.spawn({ ...REQUEST, parent: root }, { wait: true });
  const elsewhere = master.spawn(REQUEST, { wait: true });
  await node.launched(2);
  const released = Promise.withResolvers<boolean>();
  node.kill = (pid) => {
    node.killed.push(pid);
    return pid === root ? released.promise : Promise.resolve(true);
  };
  const killed = master.kill(root, { ...KILL, descendants: true });
  const refused = await assertRejects(
    () => master.spawn({ ...REQUEST, parent: root }, { wait: true }),
    SpawnError,
    "Cannot start work(): its parent is being killed",
  );
  assertEquals(refused.reason, "lost");
  const child = newPid();
  (await node.launched(1)).resolve(child);
  assertEquals(await late, child);
  released.resolve(true);
  assertEquals(await killed, [root, child]);
  assertEquals(node.killed, [root, child]);
  // It does not wait for launches that are not descendants.
  (await node.launched(2)).resolve(newPid());
  await elsewhere;
});

Deno.test("idle() resolves when the last process has ended and no spawn is in progress", async () => {
  const [room, node] = [new Unlimited(), new ScriptedNode()];
  room.addNode(node);
  const master = new Master(room);
  await master.idle();
  const spawned = [1, 2].map(() => master.spawn(REQUEST, { wait: true }));
  const steps: string[] = [];
  const idle = master.idle().then(() => steps.push("idle"));
  const pid = newPid();
  (await node.launched(0)).resolve(pid);
  (await node.launched(1)).reject(new Error("no such executable"));
  await Promise.allSettled(spawned);
  steps.push("ended");
  node.end(pid);
  await idle;
  assertEquals(steps, ["ended", "idle"]);
  assertEquals(master.processes, 1);
});

Deno.test("spawn() gives a child its parent's directory on the parent's node only", async () => {
  const [here, there] = [new ScriptedNode(), new ScriptedNode()];
  const nodes = [here, here, there];
  const master = new Master({
    place: () => Promise.resolve({ node: nodes.shift()!, free: () => {} }),
  });
  const first = master.spawn({ ...REQUEST, function: null }, { wait: true });
  await here.launched(0);
  // The parent asks before the master knows that it runs.
  const parent = newPid();
  const child = { ...REQUEST, parent, cwd: "/somewhere" };
  const onSame = master.spawn(child, { wait: true });
  const onOther = master.spawn(child, { wait: true });
  (await here.launched(0)).resolve(parent);
  await first;
  (await here.launched(1)).resolve(newPid());
  (await there.launched(0)).resolve(newPid());
  await Promise.all([onSame, onOther]);
  assertEquals(here.requests.map(({ cwd }) => cwd), [null, "/somewhere"]);
  assertEquals(there.requests.map(({ cwd }) => cwd), [null]);
});

Deno.test("a process whose end is not reported yet does not run any more", async () => {
  const node = new ScriptedNode();
  const room = new Unlimited();
  room.addNode(node);
  const master = new Master(room);
  const spawned = master.spawn(REQUEST, { wait: true });
  const pid = makePid(randomId(), "127.0.0.1", 1);
  (await node.launched(0)).resolve(pid);
  assertEquals(await spawned, pid);
  assertEquals(await master.runs(pid), true);
  node.dead.add(pid);
  assertEquals(await master.runs(pid), false);
  node.end(pid);
  await master.wait(pid);
  assertEquals(await master.runs(pid), false);
  const other = makePid(randomId(), "127.0.0.1", 1);
  await assertRejects(() => master.runs(other), Error, "this program has no such process");
});
