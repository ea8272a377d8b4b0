/**
 * Puts load on local runs and clusters, and says how they fare:
 * `deno task load [--only NAME] [--scale F]`
 *
 * It exits with 1 if something was lost, or if memory or open files grow. `--scale 0.1` is a tenth of it.
 */

import { lastValue, wordArgument } from "../src/cli/values.ts";
import { UsageError } from "../src/core/usage_error.ts";
import { most } from "./load/load.ts";
import { LOADS } from "./load/loads.ts";
import { growth } from "./soak/usage.ts";
import { runTask } from "./task.ts";

const NAMES = Object.keys(LOADS);

/** @throws {UsageError} If that is no number above 0. */
function scaleOf(text: string): number {
  if (Number(text) > 0) return Number(text);
  throw new UsageError(`--scale is ${JSON.stringify(text)}; expected a number above 0`);
}

/** Puts one load on; returns whether all was as it should be. */
async function put(name: string, scale: number): Promise<boolean> {
  const load = LOADS[name]!;
  const count = Math.max(1, Math.round(load.count * scale));
  console.log(`${name}: ${load.describe(count)}`);
  try {
    const { figures, usages } = await load.run(count);
    const grown = Object.entries(usages).flatMap(([part, all]) =>
      all.length < 2 ? [] : growth(all).map((line) => `${part}: ${line}`)
    );
    for (const line of [...figures, ...most(usages)]) console.log(`  ${line}`);
    for (const line of grown) console.log(`  GROWS: ${line}`);
    return grown.length === 0;
  } catch (error) {
    console.log(`  FAILED: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

await runTask({
  name: "load",
  summary: "Put load on local runs and clusters, and say how they fare",
  options: {
    "only": { value: "NAME", summary: `one of ${NAMES.join(", ")}`, completes: NAMES },
    "scale": { value: "F", summary: "how much of each load, as in 0.1; default 1" },
  },
  example: "--only spawns-local-20 --scale 0.05",
  failure: "something was lost, or memory or open files grow",
}, async (scanned) => {
  const only = lastValue(scanned, "only");
  const names = only === undefined ? NAMES : [wordArgument(only, "--only", NAMES)];
  const scale = scaleOf(lastValue(scanned, "scale") ?? "1");
  let isWell = true;
  for (const name of names) isWell = await put(name, scale) && isWell;
  return isWell;
});
