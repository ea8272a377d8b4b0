/**
 * Shadows: copies of packages, and of what refers to them, in which no `package.json` has a `"module"` that the bundler
 * would take. See `main_entries.ts`. They are made of hard links where the file system can, and removed after the build.
 */

// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";
import { cacheFolder } from "../store/cache_folder.ts";
import { encodePath, type Entry } from "./entry.ts";
import { hasOtherEntry, type PackageEntries } from "./main_entries.ts";
import { packageOf } from "./module_place.ts";
import { below, contains } from "./project.ts";
import { runDeno } from "./run_deno.ts";

/** How many files a project may have for a shadow of it. */
const MAX_FILES = 100_000;

/** A shadow, and how to build with it. Disposing of it removes it. */
export interface Shadow extends Disposable {
  /** The entry in the shadow. */
  readonly entry: Entry;
  /** Variables for deno. */
  readonly env: Readonly<Record<string, string>>;
  /** The URL of what is at that one in the shadow. */
  real(href: string): string;
  /** A text with the real paths instead of those in the shadow. */
  realText(text: string): string;
}

/** What to shadow, and who needs it. */
export interface ShadowOptions {
  readonly deno: string;
  readonly entry: Entry;
  /** The URL of the folder of a package whose entry is to be another one. */
  readonly packageHref: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes a shadow of a project with its `node_modules`, or of deno's cache as far as the program needs it.
 *
 * @returns `undefined` if there can be none: the program is not in the project with the package, or that is too large.
 * @throws {BuildError} If deno fails.
 */
export async function makeShadow(options: ShadowOptions): Promise<Shadow | undefined> {
  const { entry, packageHref } = options;
  const { pathname } = new URL(packageHref);
  const isCached = packageOf(`${packageHref}package.json`) !== undefined;
  const [, real = ""] = (isCached ? /^(.*?)\/npm\/[^/]+\// : /^(.*?)\/node_modules\//)
    .exec(decodeURIComponent(pathname)) ?? [];
  if (real === "" || (!isCached && !contains(real, entry.folder))) return undefined;
  const folder = await Deno.realPath(await makeFolder());
  const remove = () => Deno.removeSync(folder, { recursive: true });
  try {
    const copied = isCached
      ? await copyCache(real, folder, options)
      : copyTree(real, folder, { left: MAX_FILES });
    if (!copied) {
      remove();
      return undefined;
    }
  } catch (error) {
    remove();
    throw error;
  }
  const swap = (text: string, from: string, to: string) =>
    text.replaceAll(`${encodePath(from)}/`, `${encodePath(to)}/`).replaceAll(`${from}/`, `${to}/`);
  return {
    entry: isCached ? entry : inShadow(entry, real, folder, swap),
    env: isCached ? { DENO_DIR: folder } : {},
    real: (href) => swap(href, folder, real),
    realText: (text) => swap(text, folder, real),
    [Symbol.dispose]: remove,
  };
}

/** A folder on the file system of deno's cache, if possible, so that files can be linked. */
async function makeFolder(): Promise<string> {
  const cache = cacheFolder((name) => Deno.env.get(name), Deno.build.os);
  if (cache === undefined) return await Deno.makeTempDir({ prefix: "deploy-" });
  try {
    await Deno.mkdir(cache, { recursive: true, mode: 0o700 });
    return await Deno.makeTempDir({ dir: cache, prefix: "packages-" });
  } catch {
    // It cannot be written to.
    return await Deno.makeTempDir({ prefix: "deploy-" });
  }
}

/** The entry with its configuration in the shadow of a project. */
function inShadow(
  entry: Entry,
  real: string,
  folder: string,
  swap: (text: string, from: string, to: string) => string,
): Entry {
  const moved = (path: string) =>
    contains(real, path) ? `${folder}/${below(real, path)}`.replace(/\/$/, "") : path;
  const flags = entry.flags.map((flag, index) => {
    const path = moved(flag);
    if (path !== flag || entry.flags[index - 1] !== "--import-map") return path;
    // It lies elsewhere, and may name files of the project.
    const copy = `${folder}/.deploy-import-map.json`;
    Deno.writeTextFileSync(copy, swap(Deno.readTextFileSync(flag), real, folder));
    return copy;
  });
  return { ...entry, folder: moved(entry.folder), flags };
}

/** Copies what the program needs of deno's cache. */
async function copyCache(
  real: string,
  folder: string,
  { deno, entry, signal }: ShadowOptions,
): Promise<boolean> {
  for (const { name } of Deno.readDirSync(real)) {
    if (["dl", "gen", "remote"].includes(name)) {
      Deno.symlinkSync(`${real}/${name}`, `${folder}/${name}`);
    }
  }
  const output = await runDeno({
    deno,
    entry,
    args: ["info", "--json", ...entry.flags, `./${entry.name}`],
    explain: () => undefined,
    ...(signal === undefined ? {} : { signal }),
  });
  const { npmPackages = {} } = JSON.parse(new TextDecoder().decode(output)) as {
    npmPackages?: Record<string, { name: string; version: string; registryUrl: string }>;
  };
  const room = { left: MAX_FILES };
  const done = new Set<string>();
  for (const { name, version, registryUrl } of Object.values(npmPackages)) {
    const registry = registryUrl.replace(/^\w+:\/\//, "").replace(/\/$/, "").replaceAll(":", "_");
    const path = `npm/${registry}/${name}`;
    for (const { name: child, isDirectory } of Deno.readDirSync(`${real}/${path}`)) {
      // The same version may be there several times, with different peers: "1.0.0_1".
      const isWanted = child === version || child.startsWith(`${version}_`);
      if (isDirectory ? !isWanted : child !== "registry.json") continue;
      // It is that of all versions.
      if (done.has(`${path}/${child}`)) continue;
      done.add(`${path}/${child}`);
      if (!copy(`${real}/${path}/${child}`, `${folder}/${path}/${child}`, room)) return false;
    }
  }
  return true;
}

/** Copies a folder without `.git`. @returns Whether there was room for it. */
function copyTree(from: string, to: string, room: { left: number }): boolean {
  Deno.mkdirSync(to, { recursive: true });
  for (const { name } of Deno.readDirSync(from)) {
    if (name !== ".git" && !copy(`${from}/${name}`, `${to}/${name}`, room)) return false;
  }
  return true;
}

function copy(from: string, to: string, room: { left: number }): boolean {
  const { isDirectory, isSymlink, isFile } = Deno.lstatSync(from);
  if (isDirectory) return copyTree(from, to, room);
  if (room.left-- === 0) return false;
  if (isSymlink) {
    Deno.symlinkSync(Deno.readLinkSync(from), to);
    return true;
  }
  if (!isFile) return true;
  Deno.mkdirSync(dirname(to), { recursive: true });
  const changed = /\/package\.json$/.test(from) ? withoutModule(from) : undefined;
  if (changed !== undefined) Deno.writeTextFileSync(to, changed);
  else link(from, to);
  return true;
}

function link(from: string, to: string): void {
  try {
    // deno may write to a lock file.
    if (from.endsWith(".lock")) Deno.copyFileSync(from, to);
    else Deno.linkSync(from, to);
  } catch {
    // They are on different file systems.
    Deno.copyFileSync(from, to);
  }
}

/** The text of a `package.json` with the entry that deno takes; `undefined` if that is the bundler's, too. */
function withoutModule(path: string): string | undefined {
  const entries = readEntries(path);
  if (entries === undefined || !hasOtherEntry(entries)) return undefined;
  return JSON.stringify({ ...entries, module: undefined });
}

/** What is in a `package.json`; `undefined` if it cannot be read. */
export function readEntries(path: string): PackageEntries | undefined {
  try {
    const value: unknown = JSON.parse(Deno.readTextFileSync(path));
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    // Missing, or not JSON: deno reports that if it matters.
    return undefined;
  }
}
