/** The speed of the master's decisions. */

import { openRow } from "../open.ts";
import { simulate, type SimulationOptions, WORKLOADS } from "../placement.ts";
import type { Row } from "../row.ts";

const OPTIONS: SimulationOptions = { nodes: 10_000, waiting: 100_000, requests: 100_000, seed: 1 };

export const PLACEMENT: Row = {
  name: "placement",
  title: "placement, 10 000 nodes × 100 000 waiting spawns, simulated: decisions",
  unit: "thousands/s",
  goal: { judges: "value", better: "more", must: 100, stretch: 500 },
  rounds: 2,
  open() {
    return openRow(
      ["eight sizes", "one size", "all sizes"].map((name) => ({
        name: `spawns of ${name}`,
        measure: () => Promise.resolve(decisionRate(name)),
      })),
    );
  },
};

/** Thousands of grants a second, from the first request to the last release. */
function decisionRate(name: string): number {
  const { granted, phases } = simulate(WORKLOADS[name]!, OPTIONS);
  return granted / phases.reduce((sum, { ms }) => sum + ms, 0);
}
