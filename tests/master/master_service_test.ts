/** A master over real connections, with scripted nodes and a scripted bridge. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { GiB } from "../../src/core/resources.ts";
import { begin, FakeNode, KEY, newPid, spawnOf, startMaster } from "./scripted_cluster.ts";

Deno.test("a run ends when its last process has ended, and its node is told to close it", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  testbed.master.addNode(node.server.address, { mem: GiB, cpu: 1 });
  const end = await node.adopted();
  const bridge = await testbed.bridge();
  const first = await begin(bridge, end, "r1");
  end.send(spawnOf("r1", first, 1, 100));
  const launch = await end.next("launch");
  const second = newPid();
  end.send({ type: "launched", request: launch.request, pid: second });
  assertEquals((await end.next("spawned")).pid, second);
  end.send({ type: "wait", request: 2, run: "r1", pid: second });
  end.send({ type: "exited", run: "r1", pid: first, status: { code: 0 } });
  end.send({ type: "exited", run: "r1", pid: second, status: { code: 3 } });
  assertEquals((await end.next("ended")).status, { code: 3 });
  assertEquals((await end.next("close")).run, "r1");
  assertEquals(await bridge.next("over"), { type: "over", run: "r1", processes: 2 });
  end.send({ type: "wait", request: 3, run: "r1", pid: second });
  assertEquals((await end.next("failed")).reason, "lost");
});

Deno.test("a node whose resources are left out lends what it says", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  testbed.master.addNode(node.server.address, undefined);
  const bridge = await testbed.bridge();
  bridge.send({ type: "where", request: 1, resources: { mem: 3 * GiB, cpu: 1 } });
  assertEquals((await bridge.next("fits")).node, null, "it may have room, and is not there yet");
  await node.adopted({ mem: 2 * GiB, cpu: 1 });
  await testbed.log.line(`node ${node.name} is there, with 2 GiB and 1 core`);
  bridge.send({ type: "where", request: 2, resources: { mem: 2 * GiB, cpu: 1 } });
  assertEquals((await bridge.next("fits")).node, node.name);
  bridge.send({ type: "open", run: "r1", key: KEY });
  bridge.send({
    type: "first",
    request: 4,
    run: "r1",
    name: "a",
    resources: { mem: 3 * GiB, cpu: 1 },
  });
  assertEquals((await bridge.next("failed")).reason, "unsatisfiable");
});

Deno.test("a node that says it lends nothing is dropped", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  testbed.master.addNode(node.server.address, undefined);
  await node.adopted({ mem: 0, cpu: 1 });
  await testbed.log.line(`waiting for node ${node.name}: a node cannot have 0 bytes and 1 cores`);
});

Deno.test("an ended process's resources are free for another run, once", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  testbed.master.addNode(node.server.address, { mem: GiB, cpu: 1 });
  const end = await node.adopted();
  const bridge = await testbed.bridge();
  const first = await begin(bridge, end, "r1", GiB);
  for (const run of ["r2", "r3"]) {
    bridge.send({ type: "open", run, key: KEY });
    bridge.send({
      type: "first",
      request: 2,
      run,
      name: "main.ts",
      resources: { mem: GiB, cpu: 0 },
    });
  }
  bridge.send({ type: "where", request: 9, resources: { mem: 1, cpu: 0 } });
  assertEquals((await bridge.next("fits")).node, null);
  for (let twice = 0; twice < 2; twice++) {
    end.send({ type: "exited", run: "r1", pid: first, status: { code: 0 } });
  }
  assertEquals((await bridge.next("over")).run, "r1");
  await end.next("close");
  assertEquals((await end.next("open")).run, "r2");
  const launch = await end.next("launch");
  end.send({ type: "failed", request: launch.request, reason: "not-started", message: "no" });
  // Processes that were not started have released their resources, too.
  assertEquals((await bridge.next("failed")).reason, "not-started");
  assertEquals(await bridge.next("over"), { type: "over", run: "r2", processes: 0 });
  await end.next("close");
  assertEquals((await end.next("open")).run, "r3");
});

Deno.test("a lost node's processes are reported as lost, in the order of their starts", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  testbed.master.addNode(node.server.address, { mem: GiB, cpu: 1 });
  const end = await node.adopted();
  const bridge = await testbed.bridge();
  const first = await begin(bridge, end, "r1", GiB / 2);
  end.send(spawnOf("r1", first, 1, GiB / 2));
  const launch = await end.next("launch");
  const second = newPid();
  end.send({ type: "launched", request: launch.request, pid: second });
  await end.next("spawned");
  bridge.send({ type: "open", run: "r2", key: KEY });
  bridge.send({
    type: "first",
    request: 2,
    run: "r2",
    name: "main.ts",
    resources: { mem: GiB, cpu: 0 },
  });
  bridge.send({ type: "where", request: 9, resources: { mem: 1, cpu: 0 } });
  await bridge.next("fits");
  end.link.drop();
  const why = `node ${node.name} closed the connection`;
  const run = "r1";
  const lost = { type: "lost" as const, run, node: node.name, why };
  const main = { pid: first, parent: null, name: "main.ts" };
  const worker = { pid: second, parent: first, name: "worker 7" };
  assertEquals(await bridge.next("lost"), { ...lost, ...main });
  assertEquals(await bridge.next("lost"), { ...lost, ...worker });
  assertEquals(await bridge.next("over"), { type: "over", run, processes: 2 });
  await testbed.log.line(`${why}; 2 of its processes are lost`);
  // The waiting request continues to wait, and gets the whole node when it is back.
  const back = await node.adopted();
  assertEquals((await back.next("open")).run, "r2");
  assertEquals((await back.next("launch")).resources.mem, GiB);
});

Deno.test("ending a run cancels waiting spawns, and is done when all processes have ended", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  testbed.master.addNode(node.server.address, { mem: GiB, cpu: 1 });
  const end = await node.adopted();
  const bridge = await testbed.bridge();
  const first = await begin(bridge, end, "r1", GiB);
  end.send(spawnOf("r1", first, 1, GiB));
  end.send(spawnOf("r1", first, 2, GiB, false));
  const full = await end.next("failed");
  assertEquals([full.request, full.reason], [2, "no-capacity"]);
  bridge.send({ type: "end", run: "r1", signal: "SIGTERM", graceMs: 500 });
  const failed = await end.next("failed");
  assertEquals([failed.request, failed.reason], [1, "lost"]);
  const stop = { type: "stop", run: "r1", signal: "SIGTERM", graceMs: 500 } as const;
  assertEquals(await end.next("stop"), stop);
  end.send(spawnOf("r1", first, 3, 0));
  assertEquals((await end.next("failed")).reason, "lost");
  end.send({ type: "exited", run: "r1", pid: first, status: { signal: "SIGKILL" } });
  assertEquals(await bridge.next("over"), { type: "over", run: "r1", processes: 1 });
});

Deno.test("ending a run that has not started is done at once", async () => {
  await using testbed = startMaster();
  const bridge = await testbed.bridge();
  bridge.send({ type: "open", run: "r1", key: KEY });
  bridge.send({ type: "end", run: "r1", signal: "SIGKILL", graceMs: 0 });
  assertEquals(await bridge.next("over"), { type: "over", run: "r1", processes: 0 });
});

Deno.test("the runs of a bridge end with it, and those of another bridge do not", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  testbed.master.addNode(node.server.address, { mem: GiB, cpu: 1 });
  const end = await node.adopted();
  const [one, two] = [await testbed.bridge(), await testbed.bridge()];
  await begin(one, end, "r1");
  const other = await begin(two, end, "r2");
  one.link.drop();
  const stop = { type: "stop", run: "r1", signal: "SIGTERM", graceMs: 3_000 } as const;
  assertEquals(await end.next("stop"), stop);
  end.send({ type: "exited", run: "r2", pid: other, status: { code: 0 } });
  assertEquals((await two.next("over")).run, "r2");
});

Deno.test("a spawn that is cancelled does not wait, and takes no room", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  testbed.master.addNode(node.server.address, { mem: GiB, cpu: 1 });
  const end = await node.adopted();
  const bridge = await testbed.bridge();
  const first = await begin(bridge, end, "r1", GiB);
  end.send(spawnOf("r1", first, 1, GiB));
  end.send({ type: "cancel", request: 1 });
  const { request, reason } = await end.next("failed");
  assertEquals([request, reason], [1, "lost"]);
  end.send({ type: "exited", run: "r1", pid: first, status: { code: 0 } });
  assertEquals((await bridge.next("over")).processes, 1);
});

Deno.test("nothing more is placed on a leaving node, and its processes end in order", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  testbed.master.addNode(node.server.address, { mem: GiB, cpu: 1 });
  const end = await node.adopted();
  const bridge = await testbed.bridge();
  const first = await begin(bridge, end, "r1");
  end.send({ type: "leaving" });
  end.send(spawnOf("r1", first, 1, 0, false));
  assertEquals((await end.next("failed")).reason, "no-capacity");
  end.send({ type: "exited", run: "r1", pid: first, status: { signal: "SIGKILL" } });
  assertEquals((await bridge.next("over")).processes, 1);
});

Deno.test("drain tells what is left on a node, which gets nothing more until its fabric is another one", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  testbed.master.addNode(node.server.address, { mem: GiB, cpu: 1 });
  const end = await node.adopted();
  await testbed.log.line(`node ${node.name} is there`);
  const bridge = await testbed.bridge();
  const report = async () => {
    bridge.send({ type: "nodes", request: 7 });
    const { nodes: [found] } = await bridge.next("node-list");
    return [found?.state, found?.processes, found?.inUse.mem];
  };
  const first = await begin(bridge, end, "r1", 100);
  assertEquals(await report(), ["up", 1, 100]);
  const unknown = await testbed.drain("127.0.0.1:1");
  const why = `there is no node 127.0.0.1:1; there are ${node.name}`;
  assertEquals(await unknown.next("refused"), { type: "refused", why });

  const drain = await testbed.drain(node.name);
  assertEquals(await drain.next("left"), { type: "left", processes: 1, runs: ["r1"] });
  assertEquals(await report(), ["draining", 1, 100]);
  end.send(spawnOf("r1", first, 1, 0, false));
  assertEquals((await end.next("failed")).reason, "no-capacity");
  bridge.send({ type: "open", run: "r2", key: KEY });
  bridge.send({ type: "try", request: 8, run: "r2", resources: { mem: 0, cpu: 0 } });
  await bridge.next("waits");
  end.send({ type: "exited", run: "r1", pid: first, status: { code: 0 } });
  assertEquals(await drain.next("left"), { type: "left", processes: 0, runs: [] });

  // The same fabric, again: its link was cut.
  end.link.drop();
  assert((await drain.next("refused")).why.startsWith(`node ${node.name} is away: `));
  const again = await node.adopted();
  await testbed.log.line(`node ${node.name} is there`);
  const second = await testbed.drain(node.name);
  assertEquals((await second.next("left")).processes, 0);
  assertEquals((await report())[0], "draining");
  // Another one, which takes what waits.
  node.fabric = "b";
  again.link.drop();
  const other = await node.adopted();
  assertEquals((await other.next("try")).run, "r2");
  assertEquals((await report())[0], "up");
});

Deno.test("a joining node is dialled, and removed when it and its announcement are gone", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  const bridge = await testbed.bridge();
  const announcement = await testbed.join(node.name);
  await announcement.next("joined");
  const end = await node.adopted();
  await testbed.log.line(`node ${node.name} is there`);
  bridge.send({ type: "where", request: 1, resources: { mem: GiB, cpu: 1 } });
  assertEquals((await bridge.next("fits")).node, node.name);
  end.link.drop();
  // It is dialled again as long as it is announced.
  const again = await node.adopted();
  announcement.link.drop();
  again.link.drop();
  for (;;) {
    bridge.send({ type: "where", request: 2, resources: { mem: GiB, cpu: 1 } });
    if ((await bridge.next("fits")).message.includes("the cluster has no nodes")) break;
    // The two ends are noticed independently.
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
});

Deno.test("a node cannot join with a malformed address, or resources too large to count", async () => {
  await using testbed = startMaster();
  for (const address of ["here", "127.0.0.1:0"]) {
    assert((await (await testbed.join(address)).next("refused")).why.includes("not an address"));
  }
  const refused = await (await testbed.join("127.0.0.1:7001", 1e300)).next("refused");
  assert(refused.why.includes("a node cannot have"), refused.why);
});

Deno.test("a node or bridge that violates the protocol is dropped, with one line", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  testbed.master.addNode(node.server.address, { mem: GiB, cpu: 1 });
  const end = await node.adopted();
  end.send({ type: "adopted", resources: { mem: 1, cpu: 1 }, fabric: node.fabric });
  await testbed.log.line(`node ${node.name} was dropped: "adopted" out of order`);
  const again = await node.adopted();
  again.send({ type: "killed", request: 0, ran: true });
  // Dropped, too, but there is one line a minute about a node.
  await node.adopted();
  const bridge = await testbed.bridge();
  bridge.send({ type: "open", run: "../etc", key: KEY });
  await testbed.log.line(`dropped the bridge 127.0.0.1:8888: cannot open the run "../etc"`);
});

Deno.test("a trial boot is on the node where the program would be placed, or on any if none is large enough", async () => {
  await using small = new FakeNode();
  await using large = new FakeNode();
  await using testbed = startMaster();
  testbed.master.addNode(small.server.address, { mem: GiB / 2, cpu: 1 });
  testbed.master.addNode(large.server.address, { mem: GiB, cpu: 1 });
  const ends = [await small.adopted(), await large.adopted()];
  const bridge = await testbed.bridge();
  bridge.send({ type: "open", run: "r1", key: KEY });
  bridge.send({ type: "try", request: 1, run: "r1", resources: { mem: GiB, cpu: 0 } });
  assertEquals((await ends[1]!.next("open")).run, "r1");
  const asked = await ends[1]!.next("try");
  ends[1]!.send({ type: "needs", request: asked.request, resources: { mem: 7, cpu: 0.5 } });
  assertEquals(await bridge.next("needs"), {
    type: "needs",
    request: 1,
    resources: { mem: 7, cpu: 0.5 },
  });
  // If no node has that much, any node is used.
  bridge.send({ type: "open", run: "r2", key: KEY });
  bridge.send({ type: "try", request: 3, run: "r2", resources: { mem: 2 * GiB, cpu: 0 } });
  const again = await ends[0]!.next("try");
  const [why, output] = ["it exited", new Uint8Array([1, 2])];
  ends[0]!.send({ type: "unfit", request: again.request, why, output });
  assertEquals(await bridge.next("unfit"), { type: "unfit", request: 3, why, output });
  bridge.send({ type: "end", run: "r2", signal: "SIGKILL", graceMs: 0 });
  assertEquals((await ends[0]!.next("close")).run, "r2");
});

Deno.test("trial boots take room and wait for it in turn; the first process has the same, if it asks for the same", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  testbed.master.addNode(node.server.address, { mem: GiB, cpu: 1 });
  const end = await node.adopted();
  const bridge = await testbed.bridge();
  const size = { mem: GiB, cpu: 0 };
  for (const [request, run] of [[1, "r1"], [2, "r2"], [3, "r3"], [4, "r4"]] as const) {
    bridge.send({ type: "open", run, key: KEY });
    bridge.send({ type: "try", request, run, resources: size });
  }
  const tried = await end.next("try");
  assertEquals(tried.run, "r1");
  for (const request of [2, 3, 4]) assertEquals((await bridge.next("waits")).request, request);
  // One that waits is given up with its run.
  bridge.send({ type: "end", run: "r2", signal: "SIGKILL", graceMs: 0 });
  assertEquals((await bridge.next("failed")).request, 2);
  end.send({ type: "needs", request: tried.request, resources: { mem: 7, cpu: 0 } });
  assertEquals((await bridge.next("needs")).request, 1);
  bridge.send({ type: "waiting", request: 5, run: "r4" });
  assertEquals((await bridge.next("spawns")).spawns.map(({ before }) => before), [1]);
  // The first process is not behind the others, since it has room.
  bridge.send({ type: "first", request: 6, run: "r1", name: "first", resources: size });
  const launch = await end.next("launch");
  const first = newPid();
  end.send({ type: "launched", request: launch.request, pid: first });
  assertEquals((await bridge.next("launched")).pid, first);
  end.send({ type: "exited", run: "r1", pid: first, status: { code: 0 } });
  const next = await end.next("try");
  assertEquals(next.run, "r3");
  end.send({ type: "needs", request: next.request, resources: { mem: 7, cpu: 0 } });
  await bridge.next("needs");
  // One that asks for another size than its trial boot had waits for that like any other.
  bridge.send({
    ...{ type: "first", request: 7, run: "r3", name: "first" },
    resources: { mem: GiB, cpu: 0.5 },
  });
  const last = await end.next("try");
  assertEquals(last.run, "r4");
  // Nothing is kept for a run that has ended.
  end.send({ type: "needs", request: last.request, resources: { mem: 7, cpu: 0 } });
  await bridge.next("needs");
  bridge.send({ type: "end", run: "r4", signal: "SIGKILL", graceMs: 0 });
  assertEquals((await end.next("launch")).run, "r3");
});

Deno.test("of 40 deployments at once, no more are booted than their node has room for, and all have their turn", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  testbed.master.addNode(node.server.address, { mem: 3.9 * GiB, cpu: 40 });
  const end = await node.adopted();
  const bridge = await testbed.bridge();
  const size = { mem: GiB, cpu: 0 };
  const runs = Array.from({ length: 40 }, (_, index) => `r${index}`);
  for (const [request, run] of runs.entries()) {
    bridge.send({ type: "open", run, key: KEY });
    bridge.send({ type: "try", request, run, resources: size });
  }
  for (const request of runs.keys()) {
    if (request >= 3) assertEquals((await bridge.next("waits")).request, request);
  }
  const booted = [await end.next("try"), await end.next("try"), await end.next("try")];
  for (const [index, run] of runs.entries()) {
    const tried = booted.shift()!;
    assertEquals(tried.run, run);
    end.send({ type: "needs", request: tried.request, resources: size });
    assertEquals((await bridge.next("needs")).request, index);
    bridge.send({ type: "first", request: 100 + index, run, name: "main.ts", resources: size });
    const launch = await end.next("launch");
    assertEquals(end.unasked("try"), 0, "three are booted, and there is no room for another one");
    const pid = newPid();
    end.send({ type: "launched", request: launch.request, pid });
    assertEquals((await bridge.next("launched")).pid, pid);
    end.send({ type: "exited", run, pid, status: { code: 0 } });
    if (index + 3 < runs.length) booted.push(await end.next("try"));
  }
});

Deno.test("a trial boot waits for a node, and is given up if three are lost with it", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  const bridge = await testbed.bridge();
  bridge.send({ type: "open", run: "r1", key: KEY });
  bridge.send({ type: "try", request: 1, run: "r1", resources: { mem: 1, cpu: 0 } });
  testbed.master.addNode(node.server.address, { mem: GiB, cpu: 1 });
  for (let lost = 0; lost < 3; lost++) {
    const end = await node.adopted();
    await end.next("try");
    end.link.drop();
  }
  const { request, reason, message } = await bridge.next("failed");
  assertEquals([request, reason], [1, "lost"]);
  assertEquals(
    message,
    `Cannot tell whether the program runs: node ${node.name} closed the connection`,
  );
  bridge.send({ type: "open", run: "r2", key: KEY });
  bridge.send({ type: "end", run: "r2", signal: "SIGKILL", graceMs: 0 });
  bridge.send({ type: "try", request: 2, run: "r2", resources: { mem: 1, cpu: 0 } });
  assertEquals((await bridge.next("failed")).reason, "lost");
});
