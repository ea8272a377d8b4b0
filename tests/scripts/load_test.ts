/** What `deno task load` says about what it has seen. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { most, Progress, rate } from "../../scripts/load/load.ts";

Deno.test("load: what is done is sampled about 20 times, however it comes", () => {
  const table: [count: number, steps: number[], expected: number[]][] = [
    [5, [1, 2, 3, 4, 5], [1, 2, 3, 4, 5]],
    [100, [4, 5, 6, 10, 27, 28, 30], [5, 10, 27, 30]],
    [100, [100], [100]],
  ];
  for (const [count, steps, expected] of table) {
    const sampled: number[] = [];
    const progress = new Progress(count, (done) => void sampled.push(done));
    for (const step of steps) progress.reached(step);
    assertEquals(sampled, expected);
  }
});

Deno.test("load: figures are for people", () => {
  assertEquals(rate(100_000, "spawns", 2_000), "2.0 s, 50,000 spawns/s");
  const usages = {
    bridge: [{ ended: 1, memMiB: 50, files: 20 }, { ended: 2, memMiB: 60, files: 19 }],
    reader: [{ ended: 1, memMiB: 40, files: 0 }],
    master: [1, 2, 3, 4].map((ended) => ({ ended, memMiB: 90, liveMiB: 9 + ended / 4, files: 30 })),
  };
  assertEquals(most(usages), [
    "bridge: at most 60 MiB, 20 files",
    "reader: at most 40 MiB",
    "master: at most 90 MiB, 30 files, live 9.5 MiB, then 10: 262144 bytes for each",
  ]);
});
