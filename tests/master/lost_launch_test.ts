/** What becomes of a process whose node is lost while it is being started. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import type { Pid } from "../../src/core/pid.ts";
import { GiB } from "../../src/core/resources.ts";
import { NodeReturns } from "../../src/master/node_returns.ts";
import { LaunchOutcomes, SessionOutcomes } from "../../src/node/launch_outcomes.ts";
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
  type Testbed,
} from "./scripted_cluster.ts";

const CAPACITY = { mem: GiB, cpu: 1 };

/** A bridge whose run's first process is being started on a node. */
async function asking(testbed: Testbed, node: FakeNode): Promise<[BridgeEnd, NodeEnd]> {
  const bridge = await testbed.bridge();
  testbed.master.addNode(node.server.address, CAPACITY);
  const end = await node.adopted();
  bridge.send({ type: "open", run: "r1", key: KEY });
  bridge.send({
    ...{ type: "first", request: 1, run: "r1", name: "main.ts" },
    resources: { mem: 1, cpu: 0 },
  });
  return [bridge, end];
}

/** Two nodes, of which one hosts the parent of what is to be spawned, of that size; the other is empty. */
async function twoNodes(
  { master, bridge, log }: Testbed,
  { lost, other }: { lost: FakeNode; other: FakeNode },
  mem: number,
): Promise<{ otherEnd: NodeEnd; parent: Pid; first: NodeEnd }> {
  master.addNode(other.server.address, CAPACITY);
  const otherEnd = await other.adopted();
  const parent = await begin(await bridge(), otherEnd, "r1", mem);
  master.addNode(lost.server.address, CAPACITY);
  const first = await lost.adopted();
  await log.line(`node ${lost.name} is there`);
  return { otherEnd, parent, first };
}

/** The node is lost while it starts a process, comes back, leaves, and has not started it. */
async function leavesUnstarted(lost: FakeNode, first: NodeEnd): Promise<void> {
  await first.next("launch");
  first.link.drop();
  const second = await lost.adopted();
  const { request } = await second.next("recall");
  second.send({ type: "leaving" });
  second.send({ type: "recalled", request, started: false });
}

Deno.test("the node is asked when it is back; what it had not started is started again", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  const [bridge, first] = await asking(testbed, node);
  const { session } = first.adopt;
  const { request: launch } = await first.next("launch");
  first.link.drop();
  const second = await node.adopted();
  const recall = await second.next("recall");
  assertEquals([recall.session, recall.launch], [session, launch]);
  second.send({ type: "recalled", request: recall.request, started: false });
  const pid = newPid();
  second.send({ type: "launched", request: (await second.next("launch")).request, pid });
  assertEquals((await bridge.next("launched")).pid, pid);
});

Deno.test("it may be started on another node", async () => {
  await using lost = new FakeNode();
  await using other = new FakeNode();
  await using testbed = startMaster();
  const { otherEnd, parent, first } = await twoNodes(testbed, { lost, other }, 1);
  // The emptier one gets it.
  otherEnd.send(spawnOf("r1", parent, 7, 100));
  await leavesUnstarted(lost, first);
  const pid = newPid();
  otherEnd.send({ type: "launched", request: (await otherEnd.next("launch")).request, pid });
  assertEquals((await otherEnd.next("spawned")).pid, pid);
});

Deno.test("if there is no room for it any more, the error of trySpawn() says that it was not started", async () => {
  await using lost = new FakeNode();
  await using other = new FakeNode();
  await using testbed = startMaster();
  const { otherEnd, parent, first } = await twoNodes(testbed, { lost, other }, GiB);
  otherEnd.send(spawnOf("r1", parent, 7, 100, false));
  await leavesUnstarted(lost, first);
  const failed = await otherEnd.next("failed");
  assertEquals([failed.request, failed.reason, failed.message], [
    ...[7, "lost"],
    `Cannot start work(): node ${lost.name} closed the connection, and had not started it`,
  ]);
});

Deno.test("what it had started is lost, and the error says so; what nobody knows, too", async () => {
  const table: [answer: boolean | null | "another fabric" | "gone", message: string][] = [
    [true, "the first process was started, and is lost: "],
    [null, "Cannot tell whether the first process was started: "],
    ["another fabric", "Cannot tell whether the first process was started: "],
    ["gone", "Cannot tell whether the first process was started: "],
  ];
  for (const [answer, message] of table) {
    await using node = new FakeNode();
    await using testbed = startMaster();
    const [bridge, first] = await asking(testbed, node);
    await first.next("launch");
    if (answer === "gone") await node.server.close();
    if (answer === "another fabric") node.fabric = "b";
    first.link.drop();
    if (answer !== "gone") {
      const second = await node.adopted();
      if (answer !== "another fabric") {
        const { request } = await second.next("recall");
        second.send({ type: "recalled", request, started: answer });
      }
    }
    const failed = await bridge.next("failed");
    assertEquals([failed.request, failed.reason, failed.message], [
      ...[1, "lost"],
      `${message}node ${node.name} closed the connection`,
    ]);
  }
});

Deno.test("a run that is ended does not wait for the node", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  const [bridge, first] = await asking(testbed, node);
  await first.next("launch");
  first.link.drop();
  await (await node.adopted()).next("recall");
  bridge.send({ type: "end", run: "r1", signal: "SIGKILL", graceMs: 0 });
  assertEquals((await bridge.next("failed")).reason, "lost");
  assertEquals((await bridge.next("over")).processes, 0);
});

Deno.test("NodeReturns gives the node that is back, and nothing if another one comes, or none in time", async () => {
  const clock = new ManualClock();
  const returns = new NodeReturns<string>(clock, 10_000);
  const given = (fabric: string, then: () => void): Promise<string | undefined> => {
    const next = returns.next(fabric);
    then();
    return next;
  };
  assertEquals(await given("a", () => returns.there("a", "one")), "one");
  assertEquals(await given("a", () => returns.there("b", "two")), undefined);
  assertEquals(await given("a", () => returns.giveUp()), undefined);
  assertEquals(await given("a", () => clock.advance(10_000)), undefined);
  const both = [returns.next("a"), returns.next("a")];
  clock.advance(9_999);
  returns.there("a", "one");
  assertEquals(await Promise.all(both), ["one", "one"]);
  returns.there("a", "unasked");
  assertEquals(await given("a", () => returns.close()), undefined);
  assertEquals(await returns.next("a"), undefined);
});

Deno.test("a node knows what became of the launches of its latest connections", async () => {
  const sessions = new SessionOutcomes();
  const outcomes = sessions.begin("s");
  outcomes.add(3, Promise.resolve());
  outcomes.add(5, Promise.reject(new Error("it died")));
  const pending = Promise.withResolvers<void>();
  outcomes.add(6, pending.promise);
  const later = sessions.of("s", 6);
  pending.reject(new Error("the run is ending"));
  const asked = [3, 5, 7].map((request) => sessions.of("s", request));
  // 4 was no launch; 7 has not arrived.
  assertEquals(await Promise.all([...asked, sessions.of("s", 4)]), [true, false, false, null]);
  assertEquals(await later, false);
  for (const session of ["t", "u", "v"]) sessions.begin(session);
  assertEquals(await sessions.of("s", 3), true);
  sessions.begin("w");
  assertEquals([await sessions.of("s", 3), await sessions.of("none", 3)], [null, null]);

  const many = new LaunchOutcomes();
  for (let request = 0; request < 10_001; request++) many.add(request, Promise.resolve());
  assertEquals([await many.of(0), await many.of(1)], [null, true]);
});
