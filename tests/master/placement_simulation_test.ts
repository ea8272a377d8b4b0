// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import { simulate, WORKLOADS } from "../../scripts/bench/placement.ts";

for (const [name, workload] of Object.entries(WORKLOADS)) {
  Deno.test(`10 000 nodes serve 100 000 waiting requests without examining each: ${name}`, () => {
    const options = { nodes: 10_000, waiting: 100_000, requests: 20_000, seed: 1 };
    const result = simulate(workload, options);
    assertEquals(result.granted, result.requests);
    assertEquals(result.released, result.requests);
    assertGreater(result.requests, 200_000);
    assertLessOrEqual(result.fullest, 1);
    // Very loose, since machines differ and are busy; the benchmark measures the speed.
    const ms = result.phases.reduce((sum, phase) => sum + phase.cpuMs, 0);
    assert(result.granted / ms > 5, `${result.granted} decisions took ${ms} ms`);
  });
}
