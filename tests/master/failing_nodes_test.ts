/** What a master does about a node that lacks something. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertStringIncludes } from "@std/assert";
import { GiB } from "../../src/core/resources.ts";
import { ManualClock } from "../net/manual_clock.ts";
import {
  begin,
  type BridgeEnd,
  FakeNode,
  KEY,
  newPid,
  type NodeEnd,
  spawnOf,
  startMaster,
} from "./scripted_cluster.ts";

const FULL = "no space left on its disk: free some";
const CAPACITY = { mem: GiB, cpu: 1 };

/** What `deploy nodes` shows of each node. */
async function states(bridge: BridgeEnd): Promise<[string, string][]> {
  bridge.send({ type: "nodes", request: 7 });
  const { nodes } = await bridge.next("node-list");
  return nodes.map(({ state, why }) => [state, why]);
}

/** The node takes the next process, and answers that it cannot. */
async function refuses(node: NodeEnd, type: "launch" | "try" = "launch"): Promise<void> {
  const { request } = await node.next(type);
  node.send({ type: "cannot", request, why: FULL });
}

/** The node starts the next process. */
async function starts(node: NodeEnd): Promise<void> {
  const { request } = await node.next("launch");
  node.send({ type: "launched", request, pid: newPid() });
}

Deno.test("a process that one node cannot start is started on another, and later ones only there", async () => {
  await using sick = new FakeNode();
  await using well = new FakeNode();
  await using testbed = startMaster();
  testbed.master.addNode(well.server.address, CAPACITY);
  const wellEnd = await well.adopted();
  const bridge = await testbed.bridge();
  const parent = await begin(bridge, wellEnd, "r1");
  // The emptier one gets the next.
  testbed.master.addNode(sick.server.address, CAPACITY);
  const sickEnd = await sick.adopted();
  await testbed.log.line(`node ${sick.name} is there`);
  wellEnd.send(spawnOf("r1", parent, 1, 100));
  await refuses(sickEnd);
  await starts(wellEnd);
  assertEquals((await wellEnd.next("spawned")).request, 1);
  await testbed.log.line(
    `node ${sick.name} cannot start processes: ${FULL}; avoiding it for 1 s`,
  );
  assertEquals(await states(bridge), [["up", ""], ["failing", FULL]]);
  for (const request of [2, 3, 4]) {
    wellEnd.send(spawnOf("r1", parent, request, 100));
    await starts(wellEnd);
    assertEquals((await wellEnd.next("spawned")).request, request);
  }
});

Deno.test("a node that cannot start processes is tried again after a while, then after longer", async () => {
  await using sick = new FakeNode();
  await using well = new FakeNode();
  const clock = new ManualClock();
  await using testbed = startMaster(clock);
  testbed.master.addNode(well.server.address, CAPACITY);
  const wellEnd = await well.adopted();
  const bridge = await testbed.bridge();
  const parent = await begin(bridge, wellEnd, "r1", 1000);
  testbed.master.addNode(sick.server.address, CAPACITY);
  const sickEnd = await sick.adopted();
  await testbed.log.line(`node ${sick.name} is there`);
  for (const [request, seconds] of [[1, 1], [2, 2], [3, 4]] as const) {
    wellEnd.send(spawnOf("r1", parent, request, 1));
    await refuses(sickEnd);
    await starts(wellEnd);
    await testbed.log.line(`avoiding it for ${seconds} s`);
    clock.advance(seconds * 1_000 - 1);
    assertEquals((await states(bridge))[1], ["failing", FULL]);
    clock.advance(1);
    await testbed.log.line(`node ${sick.name} is no longer avoided`);
    assertEquals((await states(bridge))[1], ["up", ""]);
  }
  // It has what it lacked, and lacks it again: that counts from the start.
  wellEnd.send(spawnOf("r1", parent, 4, 1));
  await starts(sickEnd);
  wellEnd.send(spawnOf("r1", parent, 5, 0));
  await refuses(sickEnd);
  await starts(wellEnd);
  await testbed.log.line("avoiding it for 1 s");
});

Deno.test("a node that does not take a program is avoided for a moment, and no longer the next time", async () => {
  await using capped = new FakeNode();
  await using other = new FakeNode();
  const clock = new ManualClock();
  await using testbed = startMaster(clock);
  testbed.master.addNode(other.server.address, CAPACITY);
  const otherEnd = await other.adopted();
  const bridge = await testbed.bridge();
  const parent = await begin(bridge, otherEnd, "r1", 1000);
  testbed.master.addNode(capped.server.address, CAPACITY);
  const cappedEnd = await capped.adopted();
  await testbed.log.line(`node ${capped.name} is there`);
  for (const number of [1, 2, 3]) {
    otherEnd.send(spawnOf("r1", parent, number, 1));
    const { request } = await cappedEnd.next("launch");
    const why = "Cannot run main: this node limits what programs may do";
    cappedEnd.send({ type: "cannot", request, why, ofProgram: true });
    await starts(otherEnd);
    await testbed.log.line(
      `node ${capped.name} cannot start a program: ${why}; avoiding it for 1 s`,
    );
    clock.advance(1_000);
    await testbed.log.line(`node ${capped.name} is no longer avoided`);
  }
});

Deno.test("where no other node is large enough, the error says what the node lacks now", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  testbed.master.addNode(node.server.address, CAPACITY);
  const end = await node.adopted();
  const bridge = await testbed.bridge();
  const parent = await begin(bridge, end, "r1");
  for (const [request, wait] of [[1, true], [2, false]] as const) {
    end.send(spawnOf("r1", parent, request, 100, wait));
    await refuses(end);
    const { reason, message } = await end.next("failed");
    assertEquals(
      [reason, message],
      ["not-started", `Cannot start work() on node ${node.name}: ${FULL}`],
    );
  }
  // It is avoided, and well again: nothing waits for the pause to end.
  end.send(spawnOf("r1", parent, 3, 100));
  await starts(end);
  assertEquals((await end.next("spawned")).request, 3);
});

Deno.test("a spawn that cannot be started where there is room waits for room elsewhere", async () => {
  await using sick = new FakeNode();
  await using busy = new FakeNode();
  await using testbed = startMaster();
  testbed.master.addNode(busy.server.address, CAPACITY);
  const busyEnd = await busy.adopted();
  const bridge = await testbed.bridge();
  const parent = await begin(bridge, busyEnd, "r1");
  busyEnd.send(spawnOf("r1", parent, 1, GiB));
  const { request } = await busyEnd.next("launch");
  const filler = newPid();
  busyEnd.send({ type: "launched", request, pid: filler });
  await busyEnd.next("spawned");
  testbed.master.addNode(sick.server.address, CAPACITY);
  const sickEnd = await sick.adopted();
  await testbed.log.line(`node ${sick.name} is there`);
  busyEnd.send(spawnOf("r1", parent, 2, GiB));
  await refuses(sickEnd);
  // One that does not wait is told what is wrong where there is room.
  await testbed.log.line("avoiding it");
  busyEnd.send(spawnOf("r1", parent, 3, GiB, false));
  const { message } = await busyEnd.next("failed");
  assertStringIncludes(message, "no node has 1 GiB free");
  busyEnd.send({ type: "exited", run: "r1", pid: filler, status: { code: 0 } });
  await starts(busyEnd);
  assertEquals((await busyEnd.next("spawned")).request, 2);
});

Deno.test("a trial boot that one node cannot do, or that it does not survive, is done on another", async () => {
  await using sick = new FakeNode();
  await using dying = new FakeNode();
  await using well = new FakeNode();
  await using testbed = startMaster();
  const ends: NodeEnd[] = [];
  // In the order in which they are tried.
  for (const node of [sick, dying, well]) {
    testbed.master.addNode(node.server.address, CAPACITY);
    ends.push(await node.adopted());
    await testbed.log.line(`node ${node.name} is there`);
  }
  const [sickEnd, dyingEnd, wellEnd] = ends;
  const bridge = await testbed.bridge();
  bridge.send({ type: "open", run: "r1", key: KEY });
  bridge.send({ type: "try", request: 1, run: "r1", resources: CAPACITY });
  await refuses(sickEnd!, "try");
  await dyingEnd!.next("try");
  dyingEnd!.link.drop();
  const { request } = await wellEnd!.next("try");
  wellEnd!.send({ type: "needs", request, resources: { mem: 5, cpu: 0 } });
  assertEquals((await bridge.next("needs")).resources.mem, 5);
});

Deno.test("a trial boot that no node can do fails with what the last one lacks", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  testbed.master.addNode(node.server.address, CAPACITY);
  const end = await node.adopted();
  const bridge = await testbed.bridge();
  bridge.send({ type: "open", run: "r1", key: KEY });
  bridge.send({ type: "try", request: 1, run: "r1", resources: CAPACITY });
  await refuses(end, "try");
  assertEquals(
    (await bridge.next("failed")).message,
    `Cannot start the program on node ${node.name}: ${FULL}`,
  );
});
