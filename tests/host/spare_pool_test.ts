/** Spares: processes that have booted before they are spawned. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { createLogger } from "../../src/core/logger.ts";
import type { Pid } from "../../src/core/pid.ts";
import { MiB } from "../../src/core/resources.ts";
import { ControlGroups } from "../../src/host/control_groups.ts";
import { Enforcement } from "../../src/host/enforcement.ts";
import { heapBytesOf } from "../../src/host/heap_limit.ts";
import { commandOf, type Harness, isAlive, startNode, untilGone } from "../node/node_harness.ts";

async function until(condition: () => boolean): Promise<void> {
  for (const endMs = performance.now() + 60_000; !condition();) {
    assert(performance.now() < endMs, "it did not come about in a minute");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

Deno.test("a program that has spawned once has a spare, which the next spawn is", async () => {
  await using run = startNode({ maxSpares: 1 });
  const holder = await run.launch("hang");
  await until(() => run.node.spares === 1);
  const before = run.children();
  assertEquals(before.length, 2);
  const second = await run.launch("hang");
  assertEquals(run.events.filter(({ event }) => event === "spawn").length, 2);
  assert(before.every((pid) => isAlive(pid)), "the spare that was there has become the process");
  await run.node.kill(second);
  await run.node.kill(holder);
});

Deno.test("spares are not there before the first spawn, nor with a maximum of 0", async () => {
  await using none = startNode({ maxSpares: 0 });
  await none.launch("hang");
  await none.launch("hang");
  await until(() => none.children().length === 2); // a spare would stay
  assertEquals(none.node.spares, 0);
});

/** When an OS process was started, in ticks of the system. Ids say nothing: they begin anew at some point. */
function startOf(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
}

Deno.test("a spare that is killed is replaced by a cold start", async () => {
  await using run = startNode({ maxSpares: 1 });
  const holder = await run.launch("hang");
  await until(() => run.node.spares === 1);
  const [, spare] = run.children().toSorted((a, b) => startOf(a) - startOf(b));
  Deno.kill(spare!, "SIGKILL");
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
  assertEquals(run.children().length, pids.length + 2, "no boot was wasted");
  for (const pid of pids) await run.node.kill(pid);
});

Deno.test({
  name:
    "a spare is used if its heap may become large enough, and spares are for the largest process",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const quiet = createLogger("error", () => {});
    const groups = await ControlGroups.open({});
    await using run = startNode({
      maxSpares: 1,
      enforcement: await Enforcement.start(quiet, { groups }),
    });
    const [small, large] = [100 * MiB, 1024 * MiB].map((mem) => heapBytesOf(mem) / MiB);
    const untilThereAre = (...expected: unknown[]) =>
      until(() => run.node.spares === 1 && String(heaps(run)) === String(expected));
    const pids = [await run.launch("hang", null, 100 * MiB)];
    await untilThereAre(small, small);
    // The spare is of no use for it, nor for the next one.
    pids.push(await run.launch("hang", null, 1024 * MiB));
    await untilThereAre(small, large, large);
    pids.push(await run.launch("hang", null, 100 * MiB));
    await untilThereAre(small, large, large, large);
    for (const pid of pids) await run.node.kill(pid);
  },
});

/** The limits of the heaps of processes, in MiB, the smallest first, where there are limits. */
function heaps(run: Harness): number[] {
  return run.children().flatMap((pid) => {
    const limit = /--max-old-space-size=(\d+)/.exec(commandOf(pid))?.[1];
    return limit === undefined ? [] : [Number(limit)];
  }).sort((a, b) => a - b);
}

Deno.test("stop() ends spares, and a node with nothing but spares is idle", async () => {
  const run = startNode({ maxSpares: 1 });
  const pid = await run.launch("hang");
  await until(() => run.node.spares === 1);
  const processes = run.children();
  await run.node.kill(pid);
  await run.node.idle();
  await run[Symbol.asyncDispose]();
  await untilGone(processes);
});
