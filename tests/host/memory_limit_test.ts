/** When a process uses too much memory, and when it is looked at. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { judgeKill, judgeMemory, limitOf, MIN_LIMIT_BYTES } from "../../src/host/memory_limit.ts";

const MIB = 1024 ** 2;

Deno.test("judgeMemory() ends a process above what it asked for, and looks sooner the less is left", () => {
  const table: [usedMiB: number, askedMiB: number, processes: number, verdict: string | number][] =
    [
      [131, 100, 1, "memory: 131 MiB used, 100 MiB asked"],
      [100.001, 100, 1, "memory: 100 MiB used, 100 MiB asked"],
      [3000, 2048, 1, "memory: 2.93 GiB used, 2 GiB asked"],
      [100, 100, 1, 50],
      [91, 100, 1, 50],
      [60, 100, 1, 200],
      [20, 100, 1, 400],
      [500, 2048, 1, 1000],
      // No process of Deno could run with less.
      [40, 0, 1, 120],
      [63, 1, 1, 50],
      [70, 1, 1, "memory: 70 MiB used, 1 MiB asked"],
      // Looking takes time, too.
      [100, 100, 16, 50],
      [100, 100, 100, 300],
      [20, 100, 100, 400],
      [100, 100, 500, 1000],
    ];
  for (const [used, asked, processes, expected] of table) {
    const verdict = judgeMemory(used * MIB, asked * MIB, processes);
    assertEquals(
      verdict.kind === "over" ? verdict.why : verdict.nextMs,
      expected,
      `${used}/${asked}/${processes}`,
    );
  }
  assertEquals([0, 1, 100 * MIB].map(limitOf), [MIN_LIMIT_BYTES, MIN_LIMIT_BYTES, 100 * MIB]);
});

Deno.test("judgeKill() tells a process that used too much from one for which its node had no memory left", () => {
  const table: [peakMiB: number | undefined, askedMiB: number, starved: boolean, why: string][] = [
    [100, 100, false, "memory: 100 MiB used, 100 MiB asked"],
    [98, 100, false, "memory: 98 MiB used, 100 MiB asked"],
    [undefined, 100, false, "memory: 100 MiB used, 100 MiB asked"],
    [64, 1, false, "memory: 64 MiB used, 1 MiB asked"],
    [95, 100, true, "memory: its node had none left; this process used 95 MiB"],
    [30, 1, true, "memory: its node had none left; this process used 30 MiB"],
  ];
  for (const [peak, asked, starved, why] of table) {
    assertEquals(judgeKill(peak && peak * MIB, asked * MIB), { starved, why }, `${peak}/${asked}`);
  }
});

Deno.test("a process that grows at 200 MiB a second is seen when it is 10 MiB over its limit at the latest", () => {
  for (let start = 0; start < 90; start += 0.7) {
    for (let used = start * MIB;;) {
      const verdict = judgeMemory(used, 100 * MIB, 16);
      if (verdict.kind === "over") {
        assert(used <= 110 * MIB, `from ${start} MiB: ${used}`);
        break;
      }
      used += 200 * MIB * verdict.nextMs / 1_000;
    }
  }
});
