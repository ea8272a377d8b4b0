/** Tasks with options: they are read, and described by `--help`, as those of the executables are. */

import config from "../deno.json" with { type: "json" };
import { refuseMore, type Scanned } from "../src/cli/arguments.ts";
import type { Executable, Options } from "../src/cli/executable.ts";
import { runExecutable } from "../src/cli/run_executable.ts";
import { lastValue } from "../src/cli/values.ts";
import { UsageError } from "../src/core/usage_error.ts";

/** A task of `deno.json`. */
export interface Task {
  readonly name: string;
  /** One sentence without a period. */
  readonly summary: string;
  readonly options: Options;
  /** One line of arguments. */
  readonly example: string;
  /** When it exits with 1. */
  readonly failure: string;
}

/** Runs it with the arguments of this process, and ends the process: with 0 if it succeeds, else with 1; with 2 for a bad argument. */
export async function runTask(
  { name, summary, options, example, failure }: Task,
  run: (scanned: Scanned) => Promise<boolean>,
): Promise<never> {
  const task: Executable = {
    name: `deno task ${name}`,
    version: config.version,
    main: {
      name: "",
      summary,
      usage: [{ form: "[options]" }],
      options,
      examples: [`deno task ${name} ${example}`],
      exitStatus: `0; 1 if ${failure}; 2 for a bad argument`,
    },
    commands: [],
  };
  const output = { out: console.log, error: console.error };
  const status = await runExecutable(task, Deno.args, output, async (scanned) => {
    refuseMore(scanned.operands, 0, "options only");
    return await run(scanned) ? 0 : 1;
  });
  Deno.exit(status);
}

/**
 * The whole number that an option says.
 *
 * @throws {UsageError} If it says something else.
 */
export function wholeOption(scanned: Scanned, name: string, byDefault: number): number {
  const text = lastValue(scanned, name);
  if (text === undefined) return byDefault;
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new UsageError(`--${name} is ${JSON.stringify(text)}; expected a number, as in 60`);
}

/** What draws at random without `--seed`. */
export function seedOption(scanned: Scanned): number {
  return wholeOption(scanned, "seed", Math.floor(Math.random() * 2 ** 32));
}
