/** The table of `docs/performance.md`. */

import type { Machine } from "./machine.ts";
import type { RowResult } from "./measure.ts";
import { describeGoal, describeSummary, threeDigits } from "./report.ts";

/** A record, as `--json` writes it. */
export interface BenchRecord {
  readonly machine: Machine;
  readonly rows: readonly RowResult[];
}

const VERDICTS = { stretch: "at stretch", must: "at must", miss: "**missed**" };

/** A record as Markdown: the machine, and a line for each row. */
export function tableOf({ machine, rows }: BenchRecord): string {
  const { cpu, cores, memoryGib, os, deno, load } = machine;
  const lines = rows.map(({ name, sides, judged }) => {
    const [ours, baseline] = sides;
    const figure = (side: typeof ours) =>
      side === undefined ? "" : `${threeDigits(side.median)} ${side.unit}`;
    const cells = judged === undefined ? ["", "", ""] : [
      describeSummary(judged, judged.goal, ours!.unit),
      describeGoal(judged.goal, ours!.unit),
      VERDICTS[judged.verdict],
    ];
    // Only a baseline stands beside ours; of rows without one, the second side is one more of ours.
    const beside = judged === undefined || judged.goal.judges === "value" ? "" : figure(baseline);
    return `| ${[`\`${name}\``, figure(ours), beside, ...cells].join(" | ")} |`;
  });
  return [
    `${cores} cores (${cpu}), ${memoryGib} GiB, ${os}, Deno ${deno}, load ${load.toFixed(1)}:`,
    "",
    "| row | ours | baseline | together | limits | |",
    "| --- | --- | --- | --- | --- | --- |",
    ...lines,
  ].join("\n");
}
