/** A run that asks for far more than there is. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { begin, FakeNode, newPid, spawnOf, startMaster } from "./scripted_cluster.ts";

/** A process may have 1,000 at a time; these are those of two. */
const WAITING = 2_000;

Deno.test("2,000 spawns that wait for room hold up no other run, and are gone with their own", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  testbed.master.addNode(node.server.address, { mem: 1_000, cpu: 1 });
  const end = await node.adopted();
  const bridge = await testbed.bridge();
  const greedy = await begin(bridge, end, "r1", 200);
  const other = await begin(bridge, end, "r2", 100);
  const usage = async () => {
    bridge.send({ type: "nodes", request: 7 });
    const { nodes: [only] } = await bridge.next("node-list");
    return [only!.inUse.mem, only!.processes];
  };
  const before = await usage();
  for (let request = 0; request < WAITING; request++) {
    end.send(spawnOf("r1", greedy, request, 800));
  }
  // They came before this one, and wait.
  end.send(spawnOf("r2", other, WAITING, 100));
  const { request, run } = await end.next("launch");
  assertEquals(run, "r2");
  const pid = newPid();
  end.send({ type: "launched", request, pid });
  assertEquals((await end.next("spawned")).request, WAITING);
  assertEquals(await usage(), [400, 3]);
  bridge.send({ type: "end", run: "r1", signal: "SIGKILL", graceMs: 0 });
  for (let count = 0; count < WAITING; count++) {
    assertEquals((await end.next("failed")).reason, "lost");
  }
  end.send({ type: "exited", run: "r1", pid: greedy, status: { signal: "SIGKILL" } });
  end.send({ type: "exited", run: "r2", pid, status: { code: 0 } });
  assertEquals((await end.next("close")).run, "r1");
  assertEquals(before, [300, 2]);
  assertEquals(await usage(), [100, 1]);
  assertEquals(end.unasked("launch"), 0);
});
