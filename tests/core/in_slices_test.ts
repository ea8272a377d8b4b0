// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { inSlices, SLICE } from "../../src/core/in_slices.ts";

Deno.test("few items are done at once", () => {
  const done: number[] = [];
  inSlices([1, 2, 3], (item) => done.push(item));
  assertEquals(done, [1, 2, 3]);
});

Deno.test("of many items, others get their turns in between, and those that have gone are left out", async () => {
  const items = new Set(Array.from({ length: 3 * SLICE }, (_, index) => index));
  const done: number[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  inSlices(items, (item) => {
    done.push(item);
    if (item === 3 * SLICE - 1) resolve();
  });
  assertEquals(done.length, SLICE);
  items.delete(SLICE);
  await promise;
  assertEquals(
    done,
    [...Array.from({ length: 3 * SLICE }).keys()].filter((each) => each !== SLICE),
  );
  await new Promise((turn) => setTimeout(turn, 0)); // the one that finds nothing more
});
