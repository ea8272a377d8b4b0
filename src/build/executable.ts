/** Makes an executable from a program with `deno compile`. */

import { NO_SETTINGS, type RuntimeSettings, settingFlags } from "../core/runtime_settings.ts";
import { BuildError } from "./build_error.ts";
import { type Bundle, bundle } from "./bundle.ts";
import type { Entry } from "./entry.ts";
import { runDeno } from "./run_deno.ts";

/** Options for compiling. */
export interface CompileOptions {
  /** The target system, by deno's name, such as `x86_64-unknown-linux-gnu`. @default this one */
  readonly target?: string;
  /** As in `BuildOptions`. */
  readonly place?: string;
  /** The settings of the executable's runtime. @default everything is allowed, and nothing else set */
  readonly settings?: RuntimeSettings;
  /** The path of the file with the certificates of the settings. */
  readonly certificates?: string;
  /** Files and folders that a compiled module reads from its own folder. */
  readonly include?: readonly string[];
  readonly signal?: AbortSignal;
}

/** What a program may load at run time besides what it contains. */
export type Loose = Pick<Bundle, "files" | "modules" | "computedImports" | "packages">;

/** That of a program that contains all it loads. */
export const NOTHING_LOOSE: Loose = { files: [], modules: [], computedImports: [], packages: [] };

/** That of a bundle. */
export function looseOf({ files, modules, computedImports, packages }: Bundle): Loose {
  return { files, modules, computedImports, packages };
}

/**
 * Compiles a program to the file `output`.
 *
 * If all of the program's code can be bundled, the bundle is compiled: the executable then contains only
 * what the program uses; otherwise it would contain whole npm packages, and a changed line would
 * move megabytes. The bundle is written to `output` with `.js` appended.
 *
 * @returns What the executable refers to and does not contain.
 * @throws {BuildError} If deno fails.
 */
export async function compileProgram(
  deno: string,
  entry: Entry,
  output: string,
  options: CompileOptions = {},
): Promise<Loose> {
  const whole = await bundleWhole(deno, entry, options);
  if (whole === undefined) {
    await compileModule(deno, entry, output, options);
    return NOTHING_LOOSE;
  }
  const path = `${output}.js`;
  try {
    await Deno.writeTextFile(path, whole.text);
    // The settings travel as flags: of the configuration and the lock file nothing else is needed.
    await denoCompile(deno, entry, [path, "--no-lock", "--no-config"], output, options);
  } finally {
    await Deno.remove(path);
  }
  return looseOf(whole);
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
  const included = (options.include ?? []).flatMap((path) => ["--include", path]);
  const flags = [...entry.flags, ...included];
  await denoCompile(deno, entry, [`./${entry.name}`, ...flags], output, options);
}

/** Types are not checked, as for a bundle. */
async function denoCompile(
  deno: string,
  entry: Entry,
  [path, ...flags]: [string, ...string[]],
  output: string,
  { target, signal, settings = NO_SETTINGS, certificates }: CompileOptions,
): Promise<void> {
  const always = ["compile", "--quiet", "--no-check", "--output", output];
  const args = [...always, ...settingFlags(settings, certificates), ...flags];
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
