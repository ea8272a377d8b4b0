// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import {
  failed,
  FIRST_PAUSE_MS,
  MAX_PAUSE_MS,
  type NodeHealth,
  pauseOver,
  succeeded,
  WELL,
} from "../../src/master/node_health.ts";

/** The pause that a failure begins. */
function pauseOf(health: NodeHealth): number | null {
  return failed(health, "no space left").pauseMs;
}

Deno.test("failures in a row make the pauses of a node longer, up to a limit", () => {
  let health = WELL;
  const pauses = Array.from({ length: 9 }, () => {
    const { health: after, pauseMs } = failed(health, "no space left");
    health = pauseOver(after);
    return pauseMs;
  });
  assertEquals(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60].map((s) => s * 1_000));
  assertEquals([pauses[0], pauses.at(-1)], [FIRST_PAUSE_MS, MAX_PAUSE_MS]);
});

Deno.test("a failure during a pause is of something asked for before, and does not prolong it", () => {
  const { health } = failed(WELL, "no space left");
  assertEquals(health.why, "no space left");
  assertEquals(failed(health, "too many open files"), {
    health: { pauses: 1, why: "too many open files" },
    pauseMs: null,
  });
});

Deno.test("a node that does what it is asked for after a pause is as good as new", () => {
  const { health: avoided } = failed(WELL, "no space left");
  const probed = pauseOver(avoided);
  assertEquals([probed.why, pauseOf(probed)], [null, 2 * FIRST_PAUSE_MS]);
  assertEquals(succeeded(probed), WELL);
  // What it did during the pause was begun before.
  assertEquals(succeeded(avoided), avoided);
});
