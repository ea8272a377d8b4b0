/** `deno task example [<name> [<args>…]]`: runs one example; without a name, lists them. */

import config from "../deno.json" with { type: "json" };
import { listed } from "../src/cli/near.ts";
import type { Executable } from "../src/cli/executable.ts";
import { runExecutable } from "../src/cli/run_executable.ts";
import { UsageError } from "../src/core/usage_error.ts";
import { listExamples, runExample } from "./run_example.ts";

const EXAMPLE: Executable = {
  name: "deno task example",
  version: config.version,
  main: {
    name: "",
    summary: "Run one of the examples",
    usage: [
      { form: "<name> [<args>…]", means: "run it, with these arguments" },
      { form: "", means: "list the examples" },
    ],
    options: {},
    examples: ["deno task example hello Ada"],
    exitStatus: "that of the example; 2 for a bad argument",
  },
  commands: [],
};

/** Runs the example, or lists all. Arguments after its name are the example's own. */
async function example(name: string | undefined, args: readonly string[]): Promise<number> {
  const examples = await listExamples();
  if (name === undefined) {
    console.log("Run one of them with: deno task example <name> [<args>…]\n");
    for (const { name, summary } of examples) console.log(`  ${name.padEnd(14)}${summary}`);
    return 0;
  }
  const names = examples.map(({ name }) => name);
  if (names.includes(name)) return await runExample(name, args);
  throw new UsageError(`unknown example ${JSON.stringify(name)}; expected ${listed(names)}`);
}

const output = { out: console.log, error: console.error };
const [first, ...others] = Deno.args;
Deno.exit(
  await runExecutable(
    EXAMPLE,
    first === undefined ? [] : [first],
    output,
    ({ operands }) => example(operands[0], others),
  ),
);
