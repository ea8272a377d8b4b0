// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { removePersistently } from "../../src/cli/interrupted.ts";

/** Removes a folder where each attempt takes 1 ms, and fails as in `errors`; returns the number of attempts. */
function attempts(errors: readonly Error[], pauseMs = 5): number {
  let [nowMs, count] = [0, 0];
  const remove = () => {
    nowMs++;
    const error = errors[count++];
    if (error !== undefined) throw error;
  };
  removePersistently(remove, { now: () => nowMs, pause: () => nowMs += pauseMs });
  return count;
}

Deno.test("a folder that is still written to is removed as soon as it can be, within a second", () => {
  const written = new Error("Directory not empty");
  const gone = new Deno.errors.NotFound();
  assertEquals(attempts([]), 1);
  assertEquals(attempts([written, written]), 3);
  assertEquals(attempts([written, gone, written]), 2);
  assertEquals(attempts(Array.from({ length: 10_000 }, () => written)), 168);
  assertEquals(attempts([written, written, written], 2_000), 2);
});
