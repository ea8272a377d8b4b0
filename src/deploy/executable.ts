/** Makes an executable of a program, with `deno compile`. */

import type { Entry } from "./entry.ts";
import { runDeno } from "./run_deno.ts";

/** How to compile. */
export interface CompileOptions {
  /** The system it is for, as deno names it, as in `x86_64-unknown-linux-gnu`. @default this one */
  readonly target?: string;
  readonly signal?: AbortSignal;
}

/**
 * Compiles a program to the file `output`. Types are not checked, as for a bundle.
 *
 * @throws {BuildError} If deno fails.
 */
export async function compile(
  deno: string,
  entry: Entry,
  output: string,
  options: CompileOptions = {},
): Promise<void> {
  const { target, signal } = options;
  const always = ["compile", "--quiet", "--no-check", "--allow-all", "--output", output];
  await runDeno({
    deno,
    entry,
    args: [...always, ...(target === undefined ? [] : ["--target", target]), `./${entry.name}`],
    explain,
    ...(signal === undefined ? {} : { signal }),
  });
}

function explain(output: string): string | undefined {
  const name = /denort[\w.-]*/.exec(output)?.[0];
  if (name === undefined) return undefined;
  if (!/Setting up base binary|download|sending request/i.test(output)) return undefined;
  return `the runtime that deno compile needs (${name}) could not be downloaded; ` +
    "set DENORT_BIN to the path of a denort of that version, or do without --release";
}
