// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertRejects } from "@std/assert";
import { TimedGate } from "../../src/core/timed_gate.ts";

/** Waits until everything has happened that does not depend on the clock. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

Deno.test("enter() serves in order, at most as many at a time as there are places", async () => {
  const gate = new TimedGate(2, 60_000);
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
  const gate = new TimedGate(1, 10);
  const slow = await gate.enter();
  const next = await gate.enter();
  slow(); // too late to count
  next();
});

Deno.test("enter() tells one that waits how many are before it, and one that gives up takes no place", async () => {
  const gate = new TimedGate(1, 60_000);
  const leave = await gate.enter();
  const stop = new AbortController();
  const told: string[] = [];
  const befores: (() => number)[] = [];
  const enter = (name: string, signal?: AbortSignal) =>
    gate.enter({
      ...(signal === undefined ? {} : { signal }),
      onWait: (before) => {
        befores.push(before);
        return () => told.push(name);
      },
    });
  const waiting = [enter("first"), enter("second", stop.signal), enter("third")] as const;
  assertEquals(befores.map((before) => before()), [0, 1, 2]);
  stop.abort(new Error("no longer"));
  await assertRejects(() => waiting[1], Error, "no longer");
  assertEquals(befores.map((before) => before()), [0, -1, 1]);
  leave();
  (await waiting[0])();
  (await waiting[2])();
  assertEquals(told, ["second", "first", "third"]);
  await assertRejects(() => enter("fourth", stop.signal), Error, "no longer");
  (await gate.enter())();
});
