/** Builds a program into one file that can be shipped. */

import type { RuntimeSettings } from "../core/runtime_settings.ts";
import { messageOf } from "../core/errors.ts";
import { BuildError } from "./build_error.ts";
import { bundle } from "./bundle.ts";
import { readProgram } from "./entry.ts";
import { compileProgram, type Loose } from "./executable.ts";
import { findDeno } from "./find_deno.ts";

/** Options of a build. */
export interface BuildOptions {
  /** A module, or an executable, which is shipped as it is. */
  readonly program: string;
  /** As in `BundleOptions`. @default false */
  readonly runtimeApart?: boolean;
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
  /** Called before each step that takes a while, at most once. */
  onStep?(step: "bundle" | "compile"): void;
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

/** An executable of the user is shipped as it is. */
const NOTHING: Loose = { files: [], modules: [], computedImports: [] };

/**
 * Builds a program. It keeps no state between builds: deno itself has a cache.
 *
 * @throws {BuildError} If it cannot be built; the message is one line.
 */
export async function build(options: BuildOptions): Promise<Built> {
  const { program, release = false, folder, target, signal, place } = options;
  const start = performance.now();
  const built = async (
    kind: Built["kind"],
    path: string,
    found: Pick<Built, "loose" | "warnings"> = { loose: NOTHING, warnings: [] },
  ) => {
    const { size } = await Deno.stat(path);
    return { kind, path, size, ms: performance.now() - start, ...found };
  };
  const entry = readProgram(program, options);
  if (entry === undefined) return await built("executable", await Deno.realPath(program));
  const deno = options.deno ?? await findDeno();
  const stem = entry.name.slice(0, entry.name.lastIndexOf("."));
  if (release) {
    options.onStep?.("compile");
    const windows = target?.includes("windows") ?? Deno.build.os === "windows";
    const path = `${folder}/${stem}${windows ? ".exe" : ""}`;
    const loose = await compileProgram(deno, entry, path, {
      ...(place === undefined ? {} : { place }),
      ...(options.settings === undefined ? {} : { settings: options.settings }),
      ...(options.certificates === undefined ? {} : { certificates: options.certificates }),
      ...(target === undefined ? {} : { target }),
      ...(signal === undefined ? {} : { signal }),
    });
    return await built("executable", path, { loose, warnings: [] });
  }
  options.onStep?.("bundle");
  const { runtimeApart = false } = options;
  const { text, runtime, missing, ...loose } = await bundle(deno, entry, {
    runtimeApart,
    ...(place === undefined ? {} : { place }),
    ...(signal === undefined ? {} : { signal }),
  });
  const path = `${folder}/${stem}.js`;
  try {
    await Deno.writeTextFile(path, text);
    if (runtime !== undefined) await Deno.writeTextFile(`${folder}/${runtime.name}`, runtime.text);
  } catch (cause) {
    const reason = messageOf(cause);
    throw new BuildError(`Cannot build ${program}: ${reason}`, { cause });
  }
  const whole = await built("bundle", path, { loose, warnings: missing });
  if (runtime === undefined) return whole;
  const beside = `${folder}/${runtime.name}`;
  return { ...whole, runtime: beside, size: whole.size + (await Deno.stat(beside)).size };
}
