/** Makes an executable of a program, with `deno compile`. */

import { BuildError } from "./build_error.ts";
import { type Bundle, bundle } from "./bundle.ts";
import { FILE_NOTE } from "./bundle_notes.ts";
import type { Entry } from "./entry.ts";
import { runDeno } from "./run_deno.ts";

/** How to compile. */
export interface CompileOptions {
  /** The system it is for, as deno names it, as in `x86_64-unknown-linux-gnu`. @default this one */
  readonly target?: string;
  readonly signal?: AbortSignal;
}

/**
 * Compiles a program to the file `output`.
 *
 * If all of the program's code can be bundled, the bundle is compiled: the executable then has only
 * what the program uses in it, where otherwise every npm package would be whole, and a changed line would
 * move megabytes. `output` with `.js` at its end is the bundle's place meanwhile.
 *
 * @returns One line each on what the program may miss where it will run, and what to do.
 * @throws {BuildError} If deno fails.
 */
export async function compileProgram(
  deno: string,
  entry: Entry,
  output: string,
  options: CompileOptions = {},
): Promise<readonly string[]> {
  const whole = await bundleWhole(deno, entry, options.signal);
  if (whole === undefined) {
    await compileModule(deno, entry, output, options);
    return [];
  }
  const path = `${output}.js`;
  try {
    await Deno.writeTextFile(path, whole.text);
    // What the configuration says of the runtime holds for the bundle, too; the lock file has done its
    // part.
    const config = entry.config === undefined ? ["--no-config"] : ["--config", entry.config];
    await denoCompile(deno, entry, [path, "--no-lock", ...config], output, options);
  } finally {
    await Deno.remove(path);
  }
  return whole.warnings;
}

/**
 * Compiles a module, with all that it imports and the whole of the npm packages that it uses, to the
 * file `output`. What it imports dynamically is loaded only then.
 *
 * @throws {BuildError} If deno fails.
 */
export async function compileModule(
  deno: string,
  entry: Entry,
  output: string,
  options: CompileOptions = {},
): Promise<void> {
  await denoCompile(deno, entry, [`./${entry.name}`], output, options);
}

/** Types are not checked, as for a bundle. */
async function denoCompile(
  deno: string,
  entry: Entry,
  [path, ...flags]: [string, ...string[]],
  output: string,
  { target, signal }: CompileOptions,
): Promise<void> {
  const args = ["compile", "--quiet", "--no-check", "--allow-all", "--output", output, ...flags];
  if (target !== undefined) args.push("--target", target);
  args.push(path);
  await runDeno({ deno, entry, args, explain, ...(signal === undefined ? {} : { signal }) });
}

/** The program's bundle; `undefined` if some of the program's code may be missing from it. */
async function bundleWhole(
  deno: string,
  entry: Entry,
  signal: AbortSignal | undefined,
): Promise<Bundle | undefined> {
  try {
    const options = signal === undefined ? {} : { signal };
    const whole = await bundle(deno, entry, { forExecutable: true, ...options });
    // Files that it looks for beside itself are no code: they can be included.
    return whole.warnings.every((warning) => FILE_NOTE.test(warning)) ? whole : undefined;
  } catch (error) {
    // It cannot be bundled, and perhaps be compiled; if not, then that says why.
    if (error instanceof BuildError) return undefined;
    throw error;
  }
}

function explain(output: string): string | undefined {
  const name = /denort[\w.-]*/.exec(output)?.[0];
  if (name === undefined) return undefined;
  if (!/Setting up base binary|download|sending request/i.test(output)) return undefined;
  return `the runtime that deno compile needs (${name}) could not be downloaded; ` +
    "set DENORT_BIN to the path of a denort of that version, or deploy without --release";
}
