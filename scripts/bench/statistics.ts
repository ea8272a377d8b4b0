/** Medians and spreads of measurements. */

import type { Goal } from "./row.ts";

/** The middle of some samples: half of them are between `low` and `high`. */
export interface Summary {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** The verdict on a row. */
export type Verdict = "stretch" | "must" | "miss";

/** The quantile of sorted samples, interpolated between two samples if necessary. */
function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const [below, above] = [sorted[Math.floor(at)] ?? NaN, sorted[Math.ceil(at)] ?? NaN];
  return below + (above - below) * (at - Math.floor(at));
}

/** Median and quartiles. */
export function summarize(samples: readonly number[]): Summary {
  const sorted = samples.toSorted((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    low: quantile(sorted, 0.25),
    high: quantile(sorted, 0.75),
  };
}

/**
 * The judged value of each round: both sides were measured directly after one another, so that
 * other load on the machine affects both.
 */
export function compare(
  judges: Goal["judges"],
  ours: readonly number[],
  baseline: readonly number[],
): number[] {
  return ours.map((value, round) => {
    if (judges === "value") return value;
    const base = baseline[round] ?? NaN;
    return judges === "ratio" ? value / base : value - base;
  });
}

/** The limit of a goal that a value is within. */
export function judge(goal: Goal, value: number): Verdict {
  const within = (limit: number) => goal.better === "less" ? value <= limit : value >= limit;
  if (within(goal.stretch)) return "stretch";
  return within(goal.must) ? "must" : "miss";
}
