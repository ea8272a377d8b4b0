/** The entry of a program: a module to build, or an executable. */

// @ts-types="../../types/std_path.d.ts"
import { basename } from "@std/path/posix/basename";
// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";
import { messageOf } from "../core/errors.ts";
import { BuildError } from "./build_error.ts";
import { configFiles, keepFrom, nearestConfig } from "./find_config.ts";

/** The entry module of a program, and its project. */
export interface Entry {
  /** The absolute path of the module's folder. */
  readonly folder: string;
  /** The module's name in that folder. */
  readonly name: string;
  /** The nearest folder, from the module's upwards, with a `deno.json` or `package.json`; else the module's own. */
  readonly root: string;
  /** The absolute path of the configuration file: the one that was named, or the nearest, if there is one. */
  readonly config: string | undefined;
  /**
   * Flags of deno for the build, such as `--import-map`; `--config` for one that was named; and what keeps it
   * from reading the files of others.
   */
  readonly flags: readonly string[];
  /** `root` as a URL without a slash at its end. */
  readonly rootUrl: string;
  /** The program as the user wrote it. */
  readonly shown: string;
}

const MODULE = /\.[cm]?[jt]sx?$/;

/** The first bytes of executables: ELF, the three forms of Mach-O, and Windows. */
const MAGIC = ["7f454c46", "cffaedfe", "cefaedfe", "cafebabe", "4d5a"];

/**
 * Determines the entry module of a program; `undefined` for an executable. It is synchronous: the sooner
 * the entry is known, the sooner the build starts, and everything else runs during the
 * build.
 *
 * @param options The configuration file, an absolute path, if it is not to be the nearest; and
 * flags of deno for the build.
 * @throws {BuildError} If it is neither, or cannot be read.
 */
export function readProgram(
  program: string,
  { config: named, flags = [] }: { config?: string | undefined; flags?: readonly string[] } = {},
): Entry | undefined {
  const name = basename(program);
  let folder: string;
  try {
    using file = Deno.openSync(program);
    // The module itself may be a link, which is not resolved, as in deno.
    folder = Deno.realPathSync(dirname(program));
    if (!file.statSync().isFile) {
      throw new BuildError(`Cannot build ${program}: it is not a file`);
    }
    if (!MODULE.test(name)) {
      if (isExecutable(file)) return undefined;
      throw new BuildError(
        `Cannot build ${program}: it is neither an executable nor a module ` +
          "(.ts, .js, .mts, .mjs, .tsx or .jsx)",
      );
    }
  } catch (cause) {
    if (cause instanceof BuildError) throw cause;
    const reason = cause instanceof Deno.errors.NotFound
      ? "there is no such file"
      : messageOf(cause);
    throw new BuildError(`Cannot build ${program}: ${reason}`, { cause });
  }
  const files = configFiles(folder);
  const config = named ?? nearestConfig(files);
  const file = files.find(({ foreign }) => foreign === undefined)?.path;
  const root = file === undefined ? folder : dirname(file);
  const rootUrl = new URL(`file://${encodePath(root)}`).href.replace(/\/$/, "");
  const keeping = named === undefined ? keepFrom(files) : { flags: ["--config", named] };
  if ("refused" in keeping) throw new BuildError(`Cannot build ${program}: ${keeping.refused}`);
  const all = [...keeping.flags, ...flags];
  return { folder, name, root, config, flags: all, rootUrl, shown: program };
}

/** A path, escaped for a URL. */
export function encodePath(path: string): string {
  return encodeURI(path).replaceAll("?", "%3F").replaceAll("#", "%23");
}

function isExecutable(file: Deno.FsFile): boolean {
  const head = new Uint8Array(4);
  file.readSync(head);
  const hex = Array.from(head, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return MAGIC.some((magic) => hex.startsWith(magic));
}
