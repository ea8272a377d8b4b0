/** Measures a row: its sides in turn, several times. */

import type { Goal, Row, Unit } from "./row.ts";
import { compare, judge, summarize, type Summary, type Verdict } from "./statistics.ts";

/** The measurements of a side. */
export interface SideResult extends Summary {
  readonly name: string;
  readonly unit: Unit;
  readonly peer: boolean;
  readonly samples: readonly number[];
}

/** The result of a row, as recorded. */
export interface RowResult {
  readonly name: string;
  readonly title: string;
  readonly sides: readonly SideResult[];
  /** Of rows that are judged. */
  readonly judged?: Summary & { readonly goal: Goal; readonly verdict: Verdict };
}

/**
 * Measures each side of a row once in each round. A first round, which fills caches, is not
 * counted.
 *
 * @throws {LeftOut} If it cannot be measured here.
 */
export async function measureRow(row: Row, rounds: number): Promise<RowResult> {
  const { name, title, goal } = row;
  await using open = await row.open();
  const samples: number[][] = open.sides.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [index, side] of open.sides.entries()) {
      const sample = await side.measure();
      if (!Number.isFinite(sample)) throw new Error(`${name}: ${side.name} gave ${sample}`);
      if (round > 0) samples[index]!.push(sample);
    }
  }
  const sides = open.sides.map((side, index) => ({
    name: side.name,
    unit: side.unit ?? row.unit,
    peer: side.peer ?? false,
    ...summarize(samples[index]!),
    samples: samples[index]!,
  }));
  if (goal === undefined) return { name, title, sides };
  const judged = summarize(compare(goal.judges, samples[0]!, samples[1] ?? []));
  return { name, title, sides, judged: { ...judged, goal, verdict: judge(goal, judged.median) } };
}
