/**
 * Gives hostile input to the decoders and ports of deploy: `deno task fuzz [--inputs N] [--seed S]`
 *
 * It prints what each target did, and each input that broke something; then it exits with 1. The same seed
 * makes the same inputs.
 */

import { fuzz } from "./fuzz/fuzz.ts";
import { runTask, seedOption, wholeOption } from "./task.ts";

await runTask({
  name: "fuzz",
  summary: "Give hostile input to the decoders and ports of deploy",
  options: {
    "inputs": { value: "N", summary: "how many; default 5000" },
    "seed": { value: "S", summary: "the same one makes the same inputs; default a random one" },
  },
  example: "--inputs 1000 --seed 7",
  failure: "an input broke something",
}, async (scanned) => {
  const settings = { inputs: wholeOption(scanned, "inputs", 5_000), seed: seedOption(scanned) };
  console.log(`${settings.inputs} inputs, --seed ${settings.seed}`);
  const findings = await fuzz(settings, (line) => console.log(line));
  for (const finding of findings) console.log(finding);
  return findings.length === 0;
});
