/**
 * Resolves "deploy" to the runtime that this command belongs to, in programs whose configuration does not say what it
 * is: by an import map for the build, which has the program's own imports, too.
 */

// @ts-types="../../types/std_jsonc.d.ts"
import { parse } from "@std/jsonc";
// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";
import { messageOf } from "../core/errors.ts";
import { BuildError } from "./build_error.ts";
import { encodePath, type Entry } from "./entry.ts";
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

/** An import map, as far as it is needed. */
export interface ImportMap {
  readonly imports?: Readonly<Record<string, string | null>>;
  readonly scopes?: Readonly<Record<string, Readonly<Record<string, string | null>>>>;
}

/**
 * The import map of a program, with the runtime in it. Pure.
 *
 * @param own The program's, from the file at `base`, a URL.
 * @param isConfig Whether that file is a `deno.json`, in which the name of a package also stands for its exports.
 * @param root The URL of the folder of the runtime, with a slash at its end.
 */
export function mapWithRuntime(
  own: ImportMap,
  { base, isConfig, root }: { base: string; isConfig: boolean; root: string },
): ImportMap {
  const absolute = (text: string): string =>
    /^\.{0,2}\//.test(text) ? new URL(text, base).href : text;
  const resolved = (imports: Readonly<Record<string, string | null>> = {}) => {
    const all: Record<string, string | null> = {};
    for (const [name, target] of Object.entries(imports)) {
      all[absolute(name)] = target === null ? null : absolute(target);
      const exports = isConfig && target !== null ? exportsOf(target) : undefined;
      if (exports !== undefined && !name.endsWith("/")) all[`${name}/`] ??= exports;
    }
    return all;
  };
  const runtime = Object.entries(NAMES).map(([name, path]) => [name, new URL(path, root).href]);
  return {
    imports: { ...Object.fromEntries(runtime), ...resolved(own.imports) },
    scopes: Object.fromEntries(
      Object.entries(own.scopes ?? {}).map((
        [scope, imports],
      ) => [absolute(scope), resolved(imports)]),
    ),
  };
}

/** The prefix of what a package exports: `npm:/chalk@5/` for `npm:chalk@5`. */
function exportsOf(target: string): string | undefined {
  const [, scheme, name] = /^(npm|jsr):\/?([^/]+|@[^/]+\/[^/]+)$/.exec(target) ?? [];
  return scheme === undefined ? undefined : `${scheme}:/${name}/`;
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
  const { own, base, isConfig } = await readImports(entry);
  const map = mapWithRuntime(own, { base, isConfig, root: `file://${encodePath(root)}/` });
  const path = `${folder}/import_map.json`;
  await Deno.writeTextFile(path, JSON.stringify(map));
  const named = entry.flags.indexOf("--import-map");
  const others = entry.flags.filter((_, index) =>
    named < 0 || (index !== named && index !== named + 1)
  );
  return { ...entry, flags: [...others, "--import-map", path] };
}

/** The program's own imports, and the URL of the file that they are in. */
async function readImports(
  entry: Entry,
): Promise<{ own: ImportMap; base: string; isConfig: boolean }> {
  const { config, flags, folder } = entry;
  const named = flags.indexOf("--import-map");
  const fromMap = async (path: string) => ({
    own: await readJson(path, entry),
    base: `file://${encodePath(path)}`,
    isConfig: false,
  });
  if (named >= 0) return await fromMap(flags[named + 1]!);
  if (config === undefined) {
    return { own: {}, base: `file://${encodePath(folder)}/`, isConfig: true };
  }
  const { importMap, ...own } = await readJson(config, entry) as ImportMap & {
    importMap?: unknown;
  };
  if (typeof importMap !== "string" || own.imports !== undefined) {
    return { own, base: `file://${encodePath(config)}`, isConfig: true };
  }
  return await fromMap(importMap.startsWith("/") ? importMap : `${dirname(config)}/${importMap}`);
}

async function readJson(path: string, { shown }: Entry): Promise<ImportMap> {
  try {
    const value: unknown = parse(await Deno.readTextFile(path));
    return typeof value === "object" && value !== null ? value : {};
  } catch (cause) {
    throw new BuildError(`Cannot build ${shown}: ${path} cannot be read: ${messageOf(cause)}`, {
      cause,
    });
  }
}
