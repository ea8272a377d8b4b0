// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { BuildError } from "../../src/build/build_error.ts";
import { codeOfInterruption, Interrupted, removePersistently } from "../../src/cli/interrupted.ts";

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

Deno.test("an interruption explains itself and the end of a build, and no other error", () => {
  const interrupted = new Interrupted("SIGINT");
  const stop = AbortSignal.abort(interrupted);
  const built = new BuildError("Cannot build main.ts: deno bundle ended with exit code 130");
  const other = new Error("the run could not be closed");
  assertEquals([interrupted, built].map((error) => codeOfInterruption(error, stop)), [130, 130]);
  assertEquals(assertThrows(() => codeOfInterruption(other, stop)), other);
  const running = new AbortController().signal;
  assertEquals(assertThrows(() => codeOfInterruption(built, running)), built);
});
