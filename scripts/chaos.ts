/**
 * Runs random programs on a cluster to which random faults happen, and checks what was promised:
 * `deno task chaos [--seconds N] [--seed S] [--programs N] [--faults N] [--kinds A,B]`
 *
 * It prints what it did, and each promise that did not hold; then it exits with 1. The same seed draws the
 * same programs and faults, which meet at about the same moments.
 */

import { parseArgs } from "@std/cli/parse-args";
import { FAULT_KINDS } from "./chaos/plan.ts";
import { runChaos } from "./chaos/run_chaos.ts";
import { report } from "./chaos/report.ts";

const args = parseArgs(Deno.args, { string: ["seconds", "seed", "programs", "faults", "kinds"] });

function numberOf(name: "seconds" | "seed" | "programs" | "faults", byDefault: number): number {
  const text = args[name];
  const value = Number(text ?? byDefault);
  if (text !== "" && Number.isSafeInteger(value) && value >= 0) return value;
  console.error(`deno task chaos: --${name} is "${text}"; expected a number, as in --${name} 60`);
  Deno.exit(2);
}

/** Those of `--kinds`, or all. */
function kindsOf(text: string | undefined): typeof FAULT_KINDS {
  if (text === undefined) return FAULT_KINDS;
  const names = text.split(",");
  const kinds = FAULT_KINDS.filter((kind) => names.includes(kind));
  if (kinds.length === names.length) return kinds;
  console.error(`deno task chaos: --kinds is "${text}"; expected some of ${FAULT_KINDS.join(",")}`);
  Deno.exit(2);
}

const settings = {
  seconds: numberOf("seconds", 60),
  seed: numberOf("seed", Math.floor(Math.random() * 2 ** 32)),
  programs: numberOf("programs", 3),
  faults: numberOf("faults", 2),
  kinds: kindsOf(args.kinds),
};
console.log(`chaos of ${settings.seconds} s, --seed ${settings.seed}`);
const result = await runChaos(settings, (line) => console.log(line));
console.log(report(result));
Deno.exit(result.violations.length === 0 ? 0 : 1);
