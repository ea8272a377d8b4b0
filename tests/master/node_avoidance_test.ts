// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import {
  type Avoidance,
  failed,
  FIRST_PAUSE_MS,
  MAX_PAUSE_MS,
  NOT_AVOIDED,
  pauseOver,
  succeeded,
} from "../../src/master/node_avoidance.ts";

/** The pause that a failure begins. */
function pauseOf(avoidance: Avoidance): number | null {
  return failed(avoidance, "no space left").pauseMs;
}

Deno.test("failures in a row make the pauses of a node longer, up to a limit", () => {
  let avoidance = NOT_AVOIDED;
  const pauses = Array.from({ length: 9 }, () => {
    const { avoidance: after, pauseMs } = failed(avoidance, "no space left");
    avoidance = pauseOver(after);
    return pauseMs;
  });
  assertEquals(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60].map((s) => s * 1_000));
  assertEquals([pauses[0], pauses.at(-1)], [FIRST_PAUSE_MS, MAX_PAUSE_MS]);
});

Deno.test("a failure during a pause is of something asked for before, and does not prolong it", () => {
  const { avoidance } = failed(NOT_AVOIDED, "no space left");
  assertEquals(avoidance.why, "no space left");
  assertEquals(failed(avoidance, "too many open files"), {
    avoidance: { pauses: 1, why: "too many open files" },
    pauseMs: null,
  });
});

Deno.test("a node that does what it is asked for after a pause is as good as new", () => {
  const { avoidance: avoided } = failed(NOT_AVOIDED, "no space left");
  const probed = pauseOver(avoided);
  assertEquals([probed.why, pauseOf(probed)], [null, 2 * FIRST_PAUSE_MS]);
  assertEquals(succeeded(probed), NOT_AVOIDED);
  // What it did during the pause was begun before.
  assertEquals(succeeded(avoided), avoided);
});
