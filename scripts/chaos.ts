/**
 * Runs random programs on a cluster to which random faults happen, and checks what was promised:
 * `deno task chaos [--seconds N] [--seed S] [--programs N] [--faults N] [--kinds A,B]`
 *
 * It prints what it did, and each promise that did not hold; then it exits with 1. The same seed draws the
 * same programs and faults, which meet at about the same moments.
 */

import { lastValue } from "../src/cli/values.ts";
import { UsageError } from "../src/core/usage_error.ts";
import { FAULT_KINDS } from "./chaos/plan.ts";
import { runChaos } from "./chaos/run_chaos.ts";
import { report } from "./chaos/report.ts";
import { runTask, seedOption, wholeOption } from "./task.ts";

/** Those of `--kinds`, or all. @throws {UsageError} If there is no such kind. */
function kindsOf(text: string | undefined): typeof FAULT_KINDS {
  if (text === undefined) return FAULT_KINDS;
  const names = text.split(",");
  const kinds = FAULT_KINDS.filter((kind) => names.includes(kind));
  if (kinds.length === names.length) return kinds;
  throw new UsageError(
    `--kinds is ${JSON.stringify(text)}; expected some of ${FAULT_KINDS.join(",")}`,
  );
}

await runTask({
  name: "chaos",
  summary: "Run random programs on a cluster to which random faults happen",
  options: {
    "seconds": { value: "N", summary: "for how long; default 60" },
    "seed": { value: "S", summary: "the same one draws the same; default a random one" },
    "programs": { value: "N", summary: "how many at a time; default 3" },
    "faults": { value: "N", summary: "how many at a time; default 2" },
    "kinds": { value: "A,B", summary: `faults: ${FAULT_KINDS.join(", ")}; default all` },
  },
  example: "--seconds 600 --seed 7",
  failure: "a promise did not hold",
}, async (scanned) => {
  const settings = {
    seconds: wholeOption(scanned, "seconds", 60),
    seed: seedOption(scanned),
    programs: wholeOption(scanned, "programs", 3),
    faults: wholeOption(scanned, "faults", 2),
    kinds: kindsOf(lastValue(scanned, "kinds")),
  };
  console.log(`chaos of ${settings.seconds} s, --seed ${settings.seed}`);
  const result = await runChaos(settings, (line) => console.log(line));
  console.log(report(result));
  return result.violations.length === 0;
});
