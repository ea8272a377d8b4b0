/** Where the modules of a bundle are for the program: what their `import.meta` and `__dirname` say. Pure. */

import { encodePath, type Entry } from "./entry.ts";

/** The place of a module. */
export type Place =
  /** A path below the folder of the run, with `/` between its parts. */
  | { readonly path: string; readonly query?: string }
  /** Not a file: the URL that the module was loaded from. */
  | { readonly url: string };

/** The name of a folder that does not exist. */
const OUTSIDE = "outside";

/** A package in deno's cache: registry, name, version, and the path in it. */
const NPM_CACHE = /\/npm\/[^/]+\/((?:@[^/]+\/)?[^/]+)\/(\d+\.\d+\.\d+[^/]*)\/(.+)$/;

/** The package that a module in deno's cache is part of, and its path in it. */
export function packageOf(
  href: string,
): { name: string; version: string; path: string } | undefined {
  const [, name, version, path] = NPM_CACHE.exec(href) ?? [];
  if (name === undefined) return undefined;
  return { name, version: version!, path: path! };
}

/** A package in a folder of packages. */
const IN_NODE_MODULES = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+\//;

/** The URL of the folder of the package that a module is part of, with a slash at its end. */
export function packageFolder(href: string): string | undefined {
  const npm = packageOf(href);
  return npm === undefined ? IN_NODE_MODULES.exec(href)?.[0] : href.slice(0, -npm.path.length);
}

/** The URL of a source, which the map names relative to the entry's folder, as a URL with spaces. */
export function sourceUrl(source: string, entry: Entry): string {
  const path = source.replaceAll("?", "%3F").replaceAll("#", "%23");
  return new URL(path, `file://${encodePath(entry.folder)}/`).href;
}

/**
 * Returns what tells the place of a module, or of another file, by its URL here.
 *
 * A module of the project is where it is in the project. A module of an npm package is in the project's folder
 * `node_modules`, as deno would put it there. One outside of the project is in a folder beside it,
 * where nothing is: it does not find another file by chance.
 *
 * @param root The absolute path of the project's folder.
 * @param folder The name of the project's folder in that of the run; empty if it is the same.
 */
export function createPlaces(
  { root, folder }: { root: string; folder: string },
): (href: string) => Place {
  const rootUrl = new URL(`file://${encodePath(root === "/" ? "" : root)}/`).href;
  const prefix = folder === "" ? "" : `${folder}/`;
  return (href) => {
    if (!href.startsWith("file:")) return { url: href };
    const inProject = pathInProject(href, rootUrl);
    if (inProject !== undefined) return { path: prefix + inProject };
    return { path: decodeURIComponent(href.replace("file:///", `${OUTSIDE}/`)) };
  };
}

/** The path below the root of a project that a file has on a node; `undefined` if it is outside. */
export function pathInProject(href: string, rootUrl: string): string | undefined {
  if (href.startsWith(rootUrl)) return decodeURIComponent(href.slice(rootUrl.length));
  const npm = packageOf(href);
  if (npm === undefined) {
    // A workspace has its packages above its members.
    const at = href.indexOf("/node_modules/");
    return at < 0 ? undefined : decodeURIComponent(href.slice(at + 1));
  }
  const { name, version, path } = npm;
  const folder = `node_modules/.deno/${name.replace("/", "+")}@${version}/node_modules/${name}`;
  return decodeURIComponent(`${folder}/${path}`);
}
