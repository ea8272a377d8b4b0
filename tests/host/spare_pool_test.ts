/** Spares: processes that have booted before they are spawned. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import type { Pid } from "../../src/core/pid.ts";
import { children, isAlive, startNode, untilGone } from "../node/node_harness.ts";

async function until(condition: () => boolean): Promise<void> {
  for (const endMs = performance.now() + 20_000; !condition();) {
    assert(performance.now() < endMs, "it did not come about in 20 s");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

Deno.test("a program that has spawned once has a spare, which the next spawn is", async () => {
  await using run = startNode({ maxSpares: 1 });
  const holder = await run.launch("hang");
  await until(() => run.node.spares === 1);
  const before = children();
  assertEquals(before.length, 2);
  const second = await run.launch("hang");
  assertEquals(run.events.filter(({ event }) => event === "spawn").length, 2);
  assert(before.every((pid) => isAlive(pid)), "the spare that was there has become the process");
  await run.node.kill(second);
  await run.node.kill(holder);
});

Deno.test("spares are not there before the first spawn, nor with a maximum of 0", async () => {
  // Those of an earlier test may still be ending.
  const before = children();
  await using none = startNode({ maxSpares: 0 });
  await none.launch("hang");
  await none.launch("hang");
  const own = () => children().filter((pid) => !before.includes(pid)).length;
  await until(() => own() === 2); // a spare would stay
  assertEquals(none.node.spares, 0);
});

Deno.test("a spare that is killed is replaced by a cold start", async () => {
  await using run = startNode({ maxSpares: 1 });
  const holder = await run.launch("hang");
  await until(() => run.node.spares === 1);
  Deno.kill(Math.max(...children()), "SIGKILL"); // the one that was started last
  const pid = await run.launch("exit");
  assertEquals(await run.master.wait(pid), { code: 0 });
  await run.node.kill(holder);
});

Deno.test("spawns one after the other have as many spares as there may be, and are given those that still boot", async () => {
  await using run = startNode({ maxSpares: 2 });
  const pids: Pid[] = [];
  // The first two find no spare: the third takes what boots, or has booted, for them.
  for (let count = 0; count < 3; count++) pids.push(await run.launch("hang"));
  await until(() => run.node.spares === 2);
  assertEquals(children().length, pids.length + 2, "no boot was wasted");
  for (const pid of pids) await run.node.kill(pid);
});

Deno.test("stop() ends spares, and a node with nothing but spares is idle", async () => {
  const run = startNode({ maxSpares: 1 });
  const pid = await run.launch("hang");
  await until(() => run.node.spares === 1);
  const processes = children();
  await run.node.kill(pid);
  await run.node.idle();
  await run[Symbol.asyncDispose]();
  await untilGone(processes, 1_000);
});
