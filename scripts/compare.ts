/**
 * Measures the same small programs on deploy and on other systems: `deno task compare [rounds]`
 *
 * It prints the table of docs/comparison.md. A system that is not installed has no figures; the npm packages
 * that it compares with are installed into the cache folder.
 */

import { type Comparison, openComparison, type System, SYSTEMS } from "./bench/comparison.ts";
import { thisMachine } from "./bench/machine.ts";
import { ownCache } from "./bench/own_cache.ts";
import { threeDigits } from "./bench/report.ts";
import { summarize } from "./bench/statistics.ts";

const ROUNDS = 7;

/** Measures each contender once in each round, in turn; the first round is not counted. */
async function rowOf({ title, unit, contenders }: Comparison, rounds: number): Promise<string> {
  const samples: number[][] = contenders.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [index, contender] of contenders.entries()) {
      const sample = await contender.measure();
      if (round > 0) samples[index]!.push(sample);
    }
  }
  const cell = (system: System): string => {
    const figures = contenders.flatMap((contender, index) => {
      if (contender.system !== system) return [];
      const figure = threeDigits(summarize(samples[index]!).median);
      return [contender.note === undefined ? figure : `${figure} (${contender.note})`];
    });
    return figures.join(", ") || "–";
  };
  return `| ${[`${title}, ${unit}`, ...SYSTEMS.map(cell)].join(" | ")} |`;
}

const rounds = Number(Deno.args[0] ?? ROUNDS);
if (!(Number.isInteger(rounds) && rounds > 0)) {
  console.error(`deno task compare: rounds is "${Deno.args[0]}"; expected a number, as in 7`);
  Deno.exit(2);
}
await using held = new AsyncDisposableStack();
Deno.env.set("DENO_DIR", held.use(await ownCache()).folder);
const { cpu, cores, memoryGib, os, deno, load } = thisMachine();
console.log(
  `${cores} cores (${cpu}), ${memoryGib} GiB, ${os}, Deno ${deno}, load ${load.toFixed(1)}\n`,
);
console.log(`| | ${SYSTEMS.join(" | ")} |`);
console.log(`| --- ${"| --- ".repeat(SYSTEMS.length)}|`);
for (const comparison of await openComparison(held)) console.log(await rowOf(comparison, rounds));
