/** Shows results to people. */

import type { RowResult } from "./measure.ts";
import type { Goal, Unit } from "./row.ts";
import type { Summary, Verdict } from "./statistics.ts";

const VERDICTS: Readonly<Record<Verdict, string>> = {
  stretch: "must: pass, stretch: pass",
  must: "must: pass, stretch: miss",
  miss: "must: MISS, stretch: miss",
};

/** A number of which three digits count, whatever its size. */
export function threeDigits(value: number): string {
  const digits = value === 0 ? 0 : 2 - Math.floor(Math.log10(Math.abs(value)));
  return value.toFixed(Math.min(Math.max(digits, 0), 4));
}

function spread({ median, low, high }: Summary, show: (value: number) => string): string {
  return `${show(median)} (${show(low)} – ${show(high)})`;
}

/** How a judged number is written: `1.21×`, `1/38`, `+120 ms`, `42 %`. */
function judgedNumber(goal: Goal, unit: Unit): (value: number) => string {
  if (goal.judges === "value") return threeDigits;
  if (goal.judges === "difference") {
    return (value) => `${value < 0 ? "−" : "+"}${threeDigits(Math.abs(value))} ${unit}`;
  }
  if (goal.better === "more" && goal.stretch > 1) return (value) => `${threeDigits(value)}×`;
  if (goal.better === "more") return (value) => `${threeDigits(value * 100)} %`;
  if (goal.must < 0.05) return (value) => `${threeDigits(value * 100)} %`;
  return goal.must < 1
    ? (value) => `1/${threeDigits(1 / value)}`
    : (value) => `${threeDigits(value)}×`;
}

/** The judged value of a row, with its quartiles. */
export function describeSummary(judged: Summary, goal: Goal, unit: Unit): string {
  return spread(judged, judgedNumber(goal, unit));
}

/** The limits of a row: `must ≤ 1.40×, stretch ≤ 1.20×`. */
export function describeGoal(goal: Goal, unit: Unit): string {
  const show = judgedNumber(goal, unit);
  const sign = goal.better === "less" ? "≤" : "≥";
  return `must ${sign} ${show(goal.must)}, stretch ${sign} ${show(goal.stretch)}`;
}

/** A row as lines of text. */
export function describeRow({ name, title, sides, judged }: RowResult): string {
  const lines = [`${name}: ${title}`];
  const labels = sides.map((side) => side.peer ? `peer: ${side.name}` : side.name);
  const width = Math.max(...labels.map((label) => label.length));
  for (const [index, side] of sides.entries()) {
    const beside = side.peer
      ? `   (ours is ${threeDigits(sides[0]!.median / side.median)} of it)`
      : "";
    lines.push(
      `  ${labels[index]!.padEnd(width)}  ${spread(side, threeDigits)} ${side.unit}${beside}`,
    );
  }
  if (judged !== undefined) {
    const { goal, verdict } = judged;
    const unit = sides[0]!.unit;
    const limits = describeGoal(goal, unit);
    lines.push(`  ${describeSummary(judged, goal, unit)}: ${limits}: ${VERDICTS[verdict]}`);
  }
  return lines.join("\n");
}

/** The rows within each limit. */
export function summaryLine(results: readonly RowResult[]): string {
  const names = (verdict: Verdict) =>
    results.filter(({ judged }) => judged?.verdict === verdict).map(({ name }) => name);
  const list = (all: readonly string[]) => all.length === 0 ? "none" : all.join(", ");
  return [
    `at stretch: ${list(names("stretch"))}`,
    `at must: ${list(names("must"))}`,
    `short of must: ${list(names("miss"))}`,
  ].join("\n");
}
