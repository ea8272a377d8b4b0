/**
 * Resolves "deploy" to the runtime that this command belongs to, in programs whose configuration does not say what it
 * is: by an import map for the build, which has the program's own imports, too.
 */

import { BuildError } from "./build_error.ts";
import { encodePath, type Entry } from "./entry.ts";
import { type ImportMap, readImportMap } from "./import_map.ts";
import { runtimeSource } from "./runtime_source.ts";

/** The names that programs import the runtime by, and the modules of it. */
const NAMES: Readonly<Record<string, string>> = {
  "deploy": "mod.ts",
  "deploy/pool": "src/pool/mod.ts",
};

/** Whether a build failed because "deploy" is not in the program's configuration. */
function lacksRuntime(error: unknown): boolean {
  return error instanceof BuildError &&
    /Import "deploy(?:\/pool)?" not a dependency/.test(error.details);
}

/**
 * Builds a program, with the runtime of this command if the program's configuration does not say what "deploy" is.
 *
 * @param folder An existing folder for the import map.
 * @throws {BuildError} If `build` does.
 */
export async function orWithRuntime<T>(
  entry: Entry,
  folder: string,
  build: (entry: Entry) => Promise<T>,
): Promise<T> {
  try {
    return await build(entry);
  } catch (error) {
    const root = lacksRuntime(error) ? await runtimeSource() : undefined;
    if (root === undefined) throw error;
    return await build(await withRuntime(entry, { root, folder }));
  }
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
  const named = entry.flags.indexOf("--import-map");
  const others = entry.flags.filter((_, index) =>
    named < 0 || (index !== named && index !== named + 1)
  );
  return { ...entry, flags: [...others, "--import-map", path] };
}
