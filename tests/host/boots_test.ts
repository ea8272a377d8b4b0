/** The first processes of a node that have booted and wait to be launched. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { BootGate, holdMsOf } from "../../src/host/boot_gate.ts";
import { Boots } from "../../src/host/boots.ts";

Deno.test("tried() ends the oldest of those that wait when there are too many", () => {
  const boots = new Boots(new BootGate(), 2);
  const dropped: string[] = [];
  const wait = (name: string) => boots.tried(() => dropped.push(name));
  const [launched] = [wait("a"), wait("b")];
  assertEquals(dropped, []);
  launched();
  wait("c");
  assertEquals(dropped, []);
  wait("d");
  wait("e");
  assertEquals(dropped, ["b", "c"]);
});

Deno.test("a process that boots keeps its place for three times what the quickest of the latest boots took", () => {
  const table: [latestMs: number[], holdMs: number][] = [
    [[], 2_000],
    [[50, 60], 2_000],
    [[30_000, 70, 40_000], 2_000],
    [[5_000, 4_000, 9_000], 12_000],
  ];
  for (const [latestMs, holdMs] of table) assertEquals(holdMsOf(latestMs, 2_000), holdMs);
});

Deno.test("on a busy machine, no more processes boot at a time than on another one", async () => {
  const [quick, busy] = [new BootGate(1, 20), new BootGate(1, 20)];
  for (const ms of [30_000, 40_000]) busy.took(ms);
  const leaves = [await busy.enter(), await quick.enter()];
  let isIn = false;
  const second = busy.enter().then((leave) => {
    isIn = true;
    return leave;
  });
  leaves.push(await quick.enter());
  assertEquals(isIn, false);
  leaves[0]!();
  leaves.push(await second);
  for (const leave of leaves) leave();
});
