/** Builds a program into one file that can be shipped. */

import type { RuntimeSettings } from "../core/runtime_settings.ts";
import { messageOf } from "../core/errors.ts";
import { BuildError } from "./build_error.ts";
import { bundle } from "./bundle.ts";
import { checkTypes } from "./check_types.ts";
import { type Entry, readProgram } from "./entry.ts";
import { compileProgram, type Loose, looseOf, NOTHING_LOOSE } from "./executable.ts";
import { findDeno } from "./find_deno.ts";
import { orWithRuntime } from "./own_runtime.ts";

/** Options of a build. */
export interface BuildOptions {
  /** A module, or an executable, which is shipped as it is. */
  readonly program: string;
  /** As in `BundleOptions`. @default false */
  readonly runtimeApart?: boolean;
  /** As in `BundleOptions`. @default false */
  readonly withSources?: boolean;
  /** As in `lookUpRuntime()`. */
  readonly runtimeCache?: string;
  /** Compile a module to an executable. @default false */
  readonly release?: boolean;
  /**
   * The path of the program below the root of its project. What is built then expects the layout of
   * `run_layout.ts` around itself, and takes itself to be that module.
   *
   * @default its own place, wherever that is
   */
  readonly place?: string;
  /** The absolute path of the configuration file. @default the nearest */
  readonly config?: string | undefined;
  /** Flags of deno for the build, such as `--import-map`. */
  readonly flags?: readonly string[];
  /** The settings of the program's runtime, which an executable contains. */
  readonly settings?: RuntimeSettings;
  /** The absolute path of the file with the certificates of the settings. */
  readonly certificates?: string | undefined;
  /** The absolute path of an existing folder for the output. */
  readonly folder: string;
  /** The path of deno. @default the one that findDeno() finds */
  readonly deno?: string;
  /** The target system, by deno's name. @default this one */
  readonly target?: string;
  /** Kills the compiler and rejects when aborted. */
  readonly signal?: AbortSignal;
  /** Check the types of a module first, as `deno check` does. @default false */
  readonly checked?: boolean;
  /** Called before each step that takes a while. A step may be repeated. */
  onStep?(step: "check" | "bundle" | "compile"): void;
}

/** A built program. */
export interface Built {
  readonly kind: "bundle" | "executable";
  /** Its path in the output folder; or the program itself, if it was an executable. */
  readonly path: string;
  /** The runtime's bundle in the same folder, if separate. To be placed beside the program's. */
  readonly runtime?: string;
  /** The total size, in bytes. */
  readonly size: number;
  /** The duration of the build, in milliseconds. */
  readonly ms: number;
  /** What it may load at run time besides what it contains. */
  readonly loose: Loose;
  /** One line for each thing that the program may lack at run time, with what to do. */
  readonly warnings: readonly string[];
}

/**
 * Builds a program. It keeps no state between builds: deno itself has a cache.
 *
 * @throws {BuildError} If it cannot be built; the message is one line.
 */
export async function build(options: BuildOptions): Promise<Built> {
  const { program, release = false, folder } = options;
  const start = performance.now();
  const entry = readProgram(program, options);
  const parts = entry === undefined
    ? {
      kind: "executable",
      path: await Deno.realPath(program),
      // An executable of the user is shipped as it is.
      loose: NOTHING_LOOSE,
      warnings: [],
    } as const
    : await orWithRuntime(entry, folder, async (entry) => {
      const deno = options.deno ?? await findDeno();
      if (options.checked) {
        options.onStep?.("check");
        await checkTypes(deno, entry, options);
      }
      return await (release ? buildExecutable : buildBundle)(deno, entry, options);
    });
  const files = "runtime" in parts && parts.runtime !== undefined
    ? [parts.path, parts.runtime]
    : [parts.path];
  const sizes = await Promise.all(files.map(async (path) => (await Deno.stat(path)).size));
  return {
    ...parts,
    size: sizes.reduce((sum, size) => sum + size),
    ms: performance.now() - start,
  };
}

/** A built program without its measures. */
type Parts = Omit<Built, "size" | "ms">;

async function buildExecutable(
  deno: string,
  entry: Entry,
  options: BuildOptions,
): Promise<Parts> {
  const { folder, target, place, settings, certificates, signal } = options;
  options.onStep?.("compile");
  const windows = target?.includes("windows") ?? Deno.build.os === "windows";
  const path = `${folder}/${stemOf(entry)}${windows ? ".exe" : ""}`;
  const loose = await compileProgram(deno, entry, path, {
    ...(place === undefined ? {} : { place }),
    ...(settings === undefined ? {} : { settings }),
    ...(certificates === undefined ? {} : { certificates }),
    ...(target === undefined ? {} : { target }),
    ...(signal === undefined ? {} : { signal }),
  });
  return { kind: "executable", path, loose, warnings: [] };
}

async function buildBundle(deno: string, entry: Entry, options: BuildOptions): Promise<Parts> {
  const { folder, place, runtimeApart = false, withSources = false, runtimeCache, signal } =
    options;
  options.onStep?.("bundle");
  const built = await bundle(deno, entry, {
    runtimeApart,
    withSources,
    ...(runtimeCache === undefined ? {} : { runtimeCache }),
    ...(place === undefined ? {} : { place }),
    ...(signal === undefined ? {} : { signal }),
  });
  const { text, runtime, missing, absent } = built;
  const path = `${folder}/${stemOf(entry)}.js`;
  const apart = runtime && `${folder}/${runtime.name}`;
  try {
    await Deno.writeTextFile(path, text);
    if (apart !== undefined) await Deno.writeTextFile(apart, runtime!.text);
  } catch (cause) {
    throw new BuildError(`Cannot build ${entry.shown}: ${messageOf(cause)}`, { cause });
  }
  return {
    kind: "bundle",
    path,
    ...(apart === undefined ? {} : { runtime: apart }),
    loose: looseOf(built),
    warnings: [...missing, ...absent],
  };
}

function stemOf({ name }: Entry): string {
  return name.slice(0, name.lastIndexOf("."));
}
