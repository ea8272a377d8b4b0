/**
 * Resolves "deploy" to the runtime that this command belongs to, in programs whose configuration does not say what it
 * is: by an import map for the build, which has the program's own imports, too.
 */

// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";
import { BuildError } from "./build_error.ts";
import { encodePath, type Entry } from "./entry.ts";
import { type ImportMap, readImportMap } from "./import_map.ts";
import { runtimeSource } from "./runtime_source.ts";

/** The names that programs import the runtime by, and the modules of it. */
const NAMES: Readonly<Record<string, string>> = {
  "deploy": "mod.ts",
  "deploy/pool": "src/pool/mod.ts",
};

/** How a program names the runtime. */
const IMPORT = /["']deploy(?:\/pool)?["']/;

/** Whether a build failed because "deploy" is not in the program's configuration. */
function lacksRuntime(error: unknown): boolean {
  return error instanceof BuildError &&
    /Import "deploy(?:\/pool)?" not a dependency/.test(error.details);
}

/**
 * Builds a program, with the runtime of this command if the program's configuration does not say what "deploy" is.
 *
 * Where that can be seen without deno, `build` is called once; otherwise it is called again if deno does not know
 * "deploy".
 *
 * @param folder An existing folder for the import map.
 * @throws {BuildError} If `build` does.
 */
export async function orWithRuntime<T>(
  entry: Entry,
  folder: string,
  build: (entry: Entry) => Promise<T>,
): Promise<T> {
  if (await clearlyLacksRuntime(entry)) {
    const root = await runtimeSource();
    if (root !== undefined) return await build(await withRuntime(entry, { root, folder }));
  }
  try {
    return await build(entry);
  } catch (error) {
    const root = lacksRuntime(error) ? await runtimeSource() : undefined;
    if (root === undefined) throw error;
    return await build(await withRuntime(entry, { root, folder }));
  }
}

/**
 * Whether the program's entry imports the runtime, and nothing that deno looks at says what that is: neither the
 * import map, nor a workspace, a `package.json`, or a folder of packages.
 */
async function clearlyLacksRuntime(entry: Entry): Promise<boolean> {
  if (!IMPORT.test(await textOf(`${entry.folder}/${entry.name}`))) return false;
  if (entry.config !== undefined && OTHERS.test(await textOf(entry.config))) return false;
  for (let at = entry.folder;; at = dirname(at)) {
    const folder = at === "/" ? "" : at;
    const texts = FILES.map((name) => textOf(`${folder}/${name}`));
    const [json, jsonc, packageJson] = await Promise.all(texts);
    if (OTHERS.test(`${json}${jsonc}`)) return false;
    if (IMPORT.test(packageJson!) || await exists(`${folder}/node_modules/deploy`)) return false;
    if (at === "/") break;
  }
  const { imports, scopes } = await readImportMap(entry);
  return [imports, ...Object.values(scopes)].every((names) =>
    !Object.keys(names).some((name) => name.startsWith("deploy"))
  );
}

/** Settings of a configuration by which other projects on this machine have names. */
const OTHERS = /"(?:workspace|links|patch)"/;

/** The files from which deno learns what names stand for, in each folder from the program's upwards. */
const FILES = ["deno.json", "deno.jsonc", "package.json"] as const;

/** The text of a file; empty if it cannot be read. */
async function textOf(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    return ""; // deno reads it too, and reports what is wrong with it
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/**
 * An import map with the runtime in it, where it has none. Pure.
 *
 * @param root The URL of the folder of the runtime, with a slash at its end.
 */
export function mapWithRuntime(
  { imports, scopes }: Required<ImportMap>,
  root: string,
): Required<ImportMap> {
  const runtime = Object.entries(NAMES).map(([name, path]) => [name, new URL(path, root).href]);
  return { imports: { ...Object.fromEntries(runtime), ...imports }, scopes };
}

/**
 * The entry with an import map, in `folder`, that has the runtime.
 *
 * @param root The absolute path of the folder of the runtime.
 * @throws {BuildError} If the program's own import map cannot be read.
 */
async function withRuntime(
  entry: Entry,
  { root, folder }: { root: string; folder: string },
): Promise<Entry> {
  const map = mapWithRuntime(await readImportMap(entry), `file://${encodePath(root)}/`);
  const path = `${folder}/import_map.json`;
  await Deno.writeTextFile(path, JSON.stringify(map));
  return withImportMap(entry, path);
}

/** The entry with the import map at this path. */
function withImportMap(entry: Entry, path: string): Entry {
  const named = entry.flags.indexOf("--import-map");
  const others = entry.flags.filter((_, index) =>
    named < 0 || (index !== named && index !== named + 1)
  );
  return { ...entry, flags: [...others, "--import-map", path] };
}

/** What `init()` uses of the launcher. */
const LAUNCHER_TYPES = "export declare function launch(options: unknown): Promise<void>;\n";

/**
 * The same entry, for a check of types. Where it has the runtime of this command, the launcher is declared only: a
 * program sees nothing of it, and a compiled deploy does not contain its source.
 *
 * @param folder That of {@linkcode orWithRuntime}.
 */
export async function entryToCheck(entry: Entry, folder: string): Promise<Entry> {
  if (!entry.flags.includes(`${folder}/import_map.json`)) return entry;
  const { imports, scopes } = await readImportMap(entry);
  const launcher = new URL("src/local/launcher.ts", imports["deploy"]!).href;
  const types = `${folder}/launcher.d.ts`;
  await Deno.writeTextFile(types, LAUNCHER_TYPES);
  const map = { imports: { ...imports, [launcher]: `file://${encodePath(types)}` }, scopes };
  const path = `${folder}/checked_import_map.json`;
  await Deno.writeTextFile(path, JSON.stringify(map));
  return withImportMap(entry, path);
}
