// deno-lint-ignore-file explicit-module-boundary-types -- it is JavaScript
/** Measures calls of a pool, for `piscina.mjs` and `workerpool.mjs`; as `programs/pool.ts` does it. */

import process from "node:process";
import { createInterface } from "node:readline";

/**
 * For each line of stdin, prints how many thousands of calls a pool runs in a second: `one` after the
 * other, or with so `many` under way.
 *
 * @param run Runs the call on the pool.
 * @param sizes How many calls are one sample, of each kind, and how many are under way.
 */
export async function answerCalls(run, { one, many, underWay }) {
  const measure = async (count, lanes) => {
    let next = 0;
    const lane = async () => {
      while (next < count) {
        const a = next++;
        if (await run({ a, b: 1 }) !== a + 1) throw new Error("A call gave another result");
      }
    };
    const start = performance.now();
    await Promise.all(Array.from({ length: lanes }, lane));
    return count / (performance.now() - start);
  };
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(await (line === "one" ? measure(one, 1) : measure(many, underWay)));
  }
}

/** The arguments of both: the folder with the installed packages, how many workers, and the sizes. */
export function callArguments() {
  const [modules, workers, sizes] = process.argv.slice(2);
  return { modules, workers: Number(workers), sizes: JSON.parse(sizes) };
}
