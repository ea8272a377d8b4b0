/**
 * Gives hostile input to the decoders and ports of deploy: `deno task fuzz [--inputs N] [--seed S]`
 *
 * It prints what each target did, and each input that broke something; then it exits with 1. The same seed
 * makes the same inputs.
 */

import { parseArgs } from "@std/cli/parse-args";
import { fuzz } from "./fuzz/fuzz.ts";

const args = parseArgs(Deno.args, { string: ["inputs", "seed"] });

function numberOf(name: "inputs" | "seed", byDefault: number): number {
  const text = args[name];
  const value = Number(text ?? byDefault);
  if (text !== "" && Number.isSafeInteger(value) && value >= 0) return value;
  console.error(`deno task fuzz: --${name} is "${text}"; expected a number, as in --${name} 1000`);
  Deno.exit(2);
}

const settings = {
  inputs: numberOf("inputs", 5_000),
  seed: numberOf("seed", Math.floor(Math.random() * 2 ** 32)),
};
console.log(`${settings.inputs} inputs, --seed ${settings.seed}`);
const findings = await fuzz(settings, (line) => console.log(line));
for (const finding of findings) console.log(finding);
Deno.exit(findings.length === 0 ? 0 : 1);
