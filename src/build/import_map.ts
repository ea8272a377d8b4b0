/** Import maps of programs: what the names that their modules import stand for. */

// @ts-types="../../types/std_jsonc.d.ts"
import { parse } from "@std/jsonc";
// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";
import { messageOf } from "../core/errors.ts";
import { BuildError } from "./build_error.ts";
import { encodePath, type Entry } from "./entry.ts";

/** An import map, as far as it is needed. */
export interface ImportMap {
  readonly imports?: Readonly<Record<string, string | null>>;
  readonly scopes?: Readonly<Record<string, Readonly<Record<string, string | null>>>>;
}

/**
 * The same import map, for a file elsewhere: with URLs instead of relative paths. Pure.
 *
 * @param base The URL of the file that it is in.
 * @param isConfig Whether that is a `deno.json`, in which the name of a package also stands for its exports.
 */
export function absoluteMap(
  { imports, scopes = {} }: ImportMap,
  { base, isConfig }: { base: string; isConfig: boolean },
): Required<ImportMap> {
  const absolute = (text: string): string =>
    /^\.{0,2}\//.test(text) ? new URL(text, base).href : text;
  const resolved = (names: ImportMap["imports"] = {}) => {
    const all: Record<string, string | null> = {};
    for (const [name, target] of Object.entries(names)) {
      all[absolute(name)] = target === null ? null : absolute(target);
      const exports = isConfig && target !== null ? exportsOf(target) : undefined;
      if (exports !== undefined && !name.endsWith("/")) all[`${name}/`] ??= exports;
    }
    return all;
  };
  return {
    imports: resolved(imports),
    scopes: Object.fromEntries(
      Object.entries(scopes).map(([scope, names]) => [absolute(scope), resolved(names)]),
    ),
  };
}

/** The prefix of what a package exports: `npm:/chalk@5/` for `npm:chalk@5`. */
function exportsOf(target: string): string | undefined {
  const [, scheme, name] = /^(npm|jsr):\/?([^/]+|@[^/]+\/[^/]+)$/.exec(target) ?? [];
  return scheme === undefined ? undefined : `${scheme}:/${name}/`;
}

/**
 * The import map of a program, with URLs: the one that was named, or that of its configuration.
 *
 * @throws {BuildError} If it cannot be read.
 */
export async function readImportMap(entry: Entry): Promise<Required<ImportMap>> {
  const { config, flags, folder } = entry;
  const fromMap = async (path: string) =>
    absoluteMap(await readJson(path, entry), { base: urlOf(path), isConfig: false });
  const named = flags.indexOf("--import-map");
  if (named >= 0) return await fromMap(flags[named + 1]!);
  if (config === undefined) return absoluteMap({}, { base: urlOf(folder), isConfig: true });
  const { importMap, ...own } = await readJson(config, entry) as ImportMap & {
    importMap?: unknown;
  };
  if (typeof importMap !== "string" || own.imports !== undefined) {
    return absoluteMap(own, { base: urlOf(config), isConfig: true });
  }
  return await fromMap(importMap.startsWith("/") ? importMap : `${dirname(config)}/${importMap}`);
}

function urlOf(path: string): string {
  return `file://${encodePath(path)}`;
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
