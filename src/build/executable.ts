/** Makes an executable from a program with `deno compile`. */

import { BuildError } from "./build_error.ts";
import { type Bundle, bundle } from "./bundle.ts";
import type { NamedFile } from "./bundle_notes.ts";
import type { Entry } from "./entry.ts";
import { runDeno } from "./run_deno.ts";

/** Options for compiling. */
export interface CompileOptions {
  /** The target system, by deno's name, such as `x86_64-unknown-linux-gnu`. @default this one */
  readonly target?: string;
  /** As in `BuildOptions`. */
  readonly place?: string;
  readonly signal?: AbortSignal;
}

/**
 * Compiles a program to the file `output`.
 *
 * If all of the program's code can be bundled, the bundle is compiled: the executable then contains only
 * what the program uses; otherwise it would contain whole npm packages, and a changed line would
 * move megabytes. The bundle is written to `output` with `.js` appended.
 *
 * @returns The files that the program looks for beside itself. They are not in the executable.
 * @throws {BuildError} If deno fails.
 */
export async function compileProgram(
  deno: string,
  entry: Entry,
  output: string,
  options: CompileOptions = {},
): Promise<readonly NamedFile[]> {
  const whole = await bundleWhole(deno, entry, options);
  if (whole === undefined) {
    await compileModule(deno, entry, output, options);
    return [];
  }
  const path = `${output}.js`;
  try {
    await Deno.writeTextFile(path, whole.text);
    // The runtime settings of the configuration also apply to the bundle; the lock file is no longer
    // needed.
    const config = entry.config === undefined ? ["--no-config"] : ["--config", entry.config];
    await denoCompile(deno, entry, [path, "--no-lock", ...config], output, options);
  } finally {
    await Deno.remove(path);
  }
  return whole.files;
}

/**
 * Compiles a module, with everything it imports and the npm packages that it uses as a whole, to the
 * file `output`. Dynamic imports are loaded when they are reached.
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
  { place, signal }: CompileOptions,
): Promise<Bundle | undefined> {
  try {
    const whole = await bundle(deno, entry, {
      forExecutable: true,
      ...(place === undefined ? {} : { place }),
      ...(signal === undefined ? {} : { signal }),
    });
    return whole.missing.length === 0 ? whole : undefined;
  } catch (error) {
    // It may compile even if it cannot be bundled; if not, deno compile reports why.
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
