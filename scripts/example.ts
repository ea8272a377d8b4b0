/** `deno task example <name> [args]`: runs one example; without a name, lists them. */

import { listExamples, runExample } from "./run_example.ts";

const [name, ...args] = Deno.args;
const examples = await listExamples();
const known = examples.some((example) => example.name === name);
if (name !== undefined && known) Deno.exit(await runExample(name, args));

const lines = examples.map((example) => `  ${example.name.padEnd(14)}${example.summary}`);
const usage = `Usage: deno task example <name> [args]\n\n${lines.join("\n")}`;
if (name === undefined) {
  console.log(usage);
} else {
  console.error(`${JSON.stringify(name)} is no example; expected one of those below\n\n${usage}`);
  Deno.exit(2);
}
