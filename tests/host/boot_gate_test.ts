// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { BootGate } from "../../src/host/boot_gate.ts";

/** Waits until everything has happened that does not depend on the clock. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

Deno.test("enter() serves in order, at most as many at a time as there are places", async () => {
  const gate = new BootGate(2, 60_000);
  const entered: number[] = [];
  const leaves: (() => void)[] = [];
  for (let index = 0; index < 5; index++) {
    void gate.enter().then((leave) => {
      entered.push(index);
      leaves[index] = leave;
    });
  }
  await settle();
  assertEquals(entered, [0, 1]);
  leaves[1]?.();
  leaves[1]?.(); // counts once
  await settle();
  assertEquals(entered, [0, 1, 2]);
  for (const index of [0, 2]) leaves[index]?.();
  await settle();
  assertEquals(entered, [0, 1, 2, 3, 4]);
  for (const index of [3, 4]) leaves[index]?.();
  const again = await gate.enter();
  again();
});

Deno.test("enter() does not wait for one that keeps its place too long", async () => {
  const gate = new BootGate(1, 10);
  const slow = await gate.enter();
  const next = await gate.enter();
  slow(); // too late to count
  next();
});
