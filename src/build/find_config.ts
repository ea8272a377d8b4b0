/** Finds the files that make a folder the root of a project, as far as they are to be trusted. */

// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";

const CONFIG = ["deno.json", "deno.jsonc"];
const NAMES = [...CONFIG, "package.json"];

/** A configuration file that was found. */
export interface ConfigFile {
  readonly path: string;
  /**
   * Why it is not read, in one line: it is of another user, or any other user can change it. With such a file
   * in `/tmp`, somebody else could choose the modules and the cluster of each program below.
   */
  readonly foreign?: string;
}

/** What a configuration file tells about who can change it. */
export interface FileAccess {
  readonly uid: number | null;
  readonly mode: number | null;
}

/**
 * All `deno.json`, `deno.jsonc` and `package.json`, from `folder` upwards, the nearest first.
 *
 * @param folder An absolute path.
 * @param owners Whose files are read; by default {@linkcode trustedOwners} of the folder.
 * @throws {Error} Deno's own, if `folder`, or one above it up to the nearest of these files, cannot be read.
 */
export function configFiles(folder: string, owners = trustedOwners(folder)): ConfigFile[] {
  const found: ConfigFile[] = [];
  for (let at = folder;; at = dirname(at)) {
    for (const name of NAMES) {
      const path = `${at === "/" ? "" : at}/${name}`;
      try {
        const info = Deno.statSync(path);
        if (!info.isFile) continue;
        // A link leads where its owner likes.
        const why = whyForeign(path, Deno.lstatSync(path), owners) ??
          whyForeign(path, info, owners);
        found.push(why === undefined ? { path } : { path, foreign: why });
      } catch (error) {
        const isMissing = error instanceof Deno.errors.NotFound;
        // Above the project, what cannot be read here cannot be read by deno either.
        if (!isMissing && found.length === 0) throw error;
      }
    }
    if (at === "/") return found;
  }
}

/** Why a file is not read; `undefined` if it is. Pure. */
export function whyForeign(
  path: string,
  { uid, mode }: FileAccess,
  owners: ReadonlySet<number> | undefined,
): string | undefined {
  if (uid !== null && owners !== undefined && !owners.has(uid)) {
    return `${path} is not read, since it belongs to another user (${uid})`;
  }
  // The mode of a link says nothing.
  const isLink = mode !== null && (mode & 0o170000) === 0o120000;
  if (mode !== null && !isLink && (mode & 0o002) !== 0) {
    return `${path} is not read, since every user of this machine may change it: chmod o-w ${path}`;
  }
  return undefined;
}

/**
 * Whose configuration files are read for a program in `folder`: this user's, root's, and those of the owner of
 * the folder, since the program is theirs, too. `undefined` if the system tells no owners.
 */
export function trustedOwners(folder?: string): ReadonlySet<number> | undefined {
  const own = Deno.uid();
  if (own === null) return undefined;
  const of = folder === undefined ? null : Deno.statSync(folder).uid;
  return new Set([own, 0, ...(of === null ? [] : [of])]);
}

/** The path of the nearest `deno.json` or `deno.jsonc` that is read; `undefined` if there is none. */
export function nearestConfig(files: readonly ConfigFile[]): string | undefined {
  return files.find((file) => file.foreign === undefined && isConfig(file))?.path;
}

/**
 * The path of the nearest `deno.json`, `deno.jsonc` or `package.json` that is read, from `folder` upwards;
 * `undefined` if there is none.
 *
 * @throws {Error} As {@linkcode configFiles}.
 */
export function findProjectFile(folder: string): string | undefined {
  return configFiles(folder).find(({ foreign }) => foreign === undefined)?.path;
}

/** How deno is kept from reading files that are not to be read. */
export type Keeping =
  /** By these flags. */
  | { readonly flags: readonly string[] }
  /** Not at all: why the program cannot be built. */
  | { readonly refused: string };

/**
 * How deno, which searches by itself, is kept from reading what is foreign. It also reads a configuration above
 * the one that it is given, which may be that of a workspace. Pure.
 */
export function keepFrom(files: readonly ConfigFile[]): Keeping {
  const firstForeign = files.findIndex(({ foreign }) => foreign !== undefined);
  if (firstForeign < 0) return { flags: [] };
  const own = files.findIndex(({ foreign }) => foreign === undefined);
  if (own < 0) return { flags: ["--no-config"] };
  const lastForeign = files.findLastIndex(({ foreign }) => foreign !== undefined);
  const { path } = files[own]!;
  if (lastForeign < own && isConfig(files[own]!)) return { flags: ["--config", path] };
  const { foreign } = files[lastForeign]!;
  return {
    refused:
      `${foreign}, but deno would read it together with ${path}; remove it, move the program ` +
      "elsewhere, or name a configuration to be used in any case: --config FILE",
  };
}

/** The lines about those that are not read. */
export function foreignOf(files: readonly ConfigFile[]): string[] {
  return files.flatMap(({ foreign }) => foreign ?? []);
}

function isConfig({ path }: ConfigFile): boolean {
  return CONFIG.some((name) => path.endsWith(`/${name}`));
}
