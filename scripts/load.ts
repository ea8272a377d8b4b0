/**
 * Puts load on local runs and clusters, and says how they fare:
 * `deno task load [--only NAME] [--scale F]`
 *
 * It exits with 1 if something was lost, or if memory or open files grow. `--scale 0.1` is a tenth of it.
 */

// @ts-types="../types/std_cli.d.ts"
import { parseArgs } from "@std/cli/parse-args";
import { most } from "./load/load.ts";
import { LOADS } from "./load/loads.ts";
import { growth } from "./soak/usage.ts";

const { only, scale = "1" } = parseArgs(Deno.args, { string: ["only", "scale"] });
const factor = Number(scale);
if (!(factor > 0)) {
  console.error(`deno task load: --scale is "${scale}"; expected a number above 0`);
  Deno.exit(2);
}
if (only !== undefined && !Object.hasOwn(LOADS, only)) {
  const names = Object.keys(LOADS).join(", ");
  console.error(`deno task load: there is no load "${only}"; expected one of: ${names}`);
  Deno.exit(2);
}

let failed = false;
for (const [name, load] of Object.entries(LOADS)) {
  if (only !== undefined && name !== only) continue;
  const count = Math.max(1, Math.round(load.count * factor));
  console.log(`${name}: ${load.describe(count)}`);
  try {
    const { figures, usages } = await load.run(count);
    const grown = Object.entries(usages).flatMap(([part, all]) =>
      all.length < 2 ? [] : growth(all).map((line) => `${part}: ${line}`)
    );
    failed ||= grown.length > 0;
    for (const line of [...figures, ...most(usages)]) console.log(`  ${line}`);
    for (const line of grown) console.log(`  GROWS: ${line}`);
  } catch (error) {
    failed = true;
    console.log(`  FAILED: ${error instanceof Error ? error.message : String(error)}`);
  }
}
Deno.exit(failed ? 1 : 0);
