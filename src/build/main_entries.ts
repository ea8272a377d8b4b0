/**
 * Finds packages of which a bundle has another entry than `deno run` takes.
 *
 * For a package without `"exports"`, `deno bundle` takes the file in `"module"`, and `deno run` the one in `"main"`, as
 * Node does. Often they export different things.
 */

import { packageFolder } from "./module_place.ts";

/** What the resolution of entries needs of a `package.json`. */
export interface PackageEntries {
  readonly main?: unknown;
  readonly module?: unknown;
  readonly exports?: unknown;
}

/**
 * The folders of packages, as URLs, whose `"module"` is one of these modules although `deno run` would take
 * something else.
 *
 * @param hrefs The URLs here of modules.
 * @param read Returns what is in the `package.json` at a URL; `undefined` if it cannot be read.
 */
export function packagesWithOtherEntry(
  hrefs: readonly string[],
  read: (href: string) => PackageEntries | undefined,
): string[] {
  const modules = new Set(hrefs);
  const folders = new Set(hrefs.flatMap((href) => packageFolder(href) ?? []));
  return [...folders].filter((folder) => {
    const entries = read(`${folder}package.json`);
    if (entries === undefined || !hasOtherEntry(entries)) return false;
    const { module } = entries as { module: string };
    return ["", ".js", "/index.js"].some((end) => modules.has(new URL(module + end, folder).href));
  });
}

/** Whether the bundler would take `"module"` and deno something else. */
export function hasOtherEntry({ main, module, exports }: PackageEntries): boolean {
  if (typeof module !== "string" || module.trim() === "") return false;
  return (exports === undefined || exports === null) && module !== main;
}

/** The modules that an error of the bundler names, as it does if they lack an export: URLs. */
export function modulesInError(details: string, folderUrl: string): string[] {
  return Array.from(details.matchAll(/"([^"\n]+\.[cm]?js)"/g), ([, path]) => path!)
    .filter((path) => URL.canParse(path, folderUrl))
    .map((path) => new URL(path, folderUrl).href);
}
