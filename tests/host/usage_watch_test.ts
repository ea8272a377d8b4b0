/** When a process is looked at, and what is remembered of it. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { UsageWatch } from "../../src/host/usage_watch.ts";

Deno.test("a look counts for as long as the caller says", () => {
  let nowMs = 1_000;
  let looks = 0;
  const watch = new UsageWatch({
    osPid: 42,
    startTimer: () => () => {},
    read: () => ({ memBytes: ++looks, peakBytes: looks, cpuMs: looks }),
    now: () => nowMs,
  });
  assertEquals(watch.recent(500), { memBytes: 1, cpuMs: 1, ageMs: 0 });
  nowMs += 499;
  assertEquals(watch.recent(500), { memBytes: 1, cpuMs: 1, ageMs: 499 });
  nowMs += 1;
  assertEquals(watch.recent(500)?.memBytes, 2);
  assertEquals(watch.recent(0)?.memBytes, 3);
});

Deno.test("a process is looked at less and less often, and the most of it is remembered", () => {
  const delays: number[] = [];
  let fire = () => {};
  const startTimer = (ms: number, then: () => void) => {
    delays.push(ms);
    fire = then;
    return () => fire = () => {};
  };
  const seen = [[5, 7, 1], [9, 9, 2], [3, 9, 3], [4, 6, 2]];
  const read = (osPid: number) => {
    assertEquals(osPid, 42);
    const [memBytes, peakBytes, cpuMs] = seen.shift() ?? [];
    return memBytes === undefined ? undefined : { memBytes, peakBytes: peakBytes!, cpuMs: cpuMs! };
  };
  const readOwn = () => ({ memBytes: 2, peakBytes: 3, cpuMs: 1 });
  const watch = new UsageWatch({ osPid: 42, startTimer, read, readOwn });
  assertEquals(watch.total(), { peakBytes: null, cpuMs: null });
  watch.begin();
  assertEquals(watch.total(), { peakBytes: 3, cpuMs: 1 });
  fire();
  assertEquals(watch.total(), { peakBytes: 7, cpuMs: 1 });
  fire();
  assertEquals(watch.look(), { memBytes: 3, peakBytes: 9, cpuMs: 3 });
  // One of its children is gone.
  fire();
  assertEquals(watch.total(), { peakBytes: 9, cpuMs: 3 });
  fire();
  assertEquals(watch.look(), undefined);
  // It has just ended.
  seen.push([0, 0, 4]);
  assertEquals(watch.look(), { memBytes: 0, peakBytes: 9, cpuMs: 4 });
  assertEquals(watch.total(), { peakBytes: 9, cpuMs: 4 });
  assertEquals(delays, [100, 100, 100, 100, 100]);
  for (let look = 0; look < 30; look++) fire();
  assertEquals(delays.slice(4, 8), [100, 125, 156.25, 195.3125]);
  assertEquals(delays.at(-1), 5_000);
  // One that was due with others may fire although it was cancelled.
  const late = fire;
  watch.stop();
  late();
  fire();
  assertEquals(delays.length, 35);
});
