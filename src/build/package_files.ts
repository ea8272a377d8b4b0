/**
 * The files of packages whose modules refer to their own places: data, WebAssembly, workers, templates. What such a
 * module reads cannot be told from its code, so its whole package is shipped, with its modules, since a worker or a
 * `require` with a computed name may load them.
 */

import { formatMem, MiB } from "../core/resources.ts";
import { packageOf, pathInProject } from "./module_place.ts";
import { urlOf } from "./loaded_modules.ts";

/** The most that is shipped of one package. */
const MAX_PACKAGE_BYTES: number = 128 * MiB;

/** What is shipped of a package. */
export interface PackageFiles {
  /** The paths here, and below the root of the project. */
  readonly files: readonly { readonly source: string; readonly path: string }[];
  /** One line, if it is too large to be shipped. */
  readonly warning?: string;
}

/**
 * Lists the files of a package.
 *
 * @param href The URL of its folder, with a slash at its end.
 * @param root The absolute path of the root of the project.
 * @throws {Error} Deno's own, if the folder cannot be read.
 */
export function packageFiles(
  href: string,
  root: string,
  maxBytes: number = MAX_PACKAGE_BYTES,
): PackageFiles {
  const rootUrl = `${urlOf(root).replace(/\/$/, "")}/`;
  const files: { source: string; path: string }[] = [];
  let bytes = 0;
  const walk = (folder: string): void => {
    for (const { name, isDirectory, isFile } of Deno.readDirSync(folder)) {
      const source = `${folder}${name}`;
      if (isDirectory && name !== ".git") walk(`${source}/`);
      const path = isFile ? pathInProject(urlOf(source), rootUrl) : undefined;
      if (path === undefined) continue;
      files.push({ source, path });
      bytes += Deno.statSync(source).size;
    }
  };
  const folder = decodeURIComponent(new URL(href).pathname);
  walk(folder);
  if (bytes <= maxBytes) return { files };
  return {
    files: [],
    warning:
      `${nameOf(href)} may read files beside its modules, which are not shipped, since they ` +
      `have ${formatMem(bytes)}, and at most ${formatMem(maxBytes)} of a package are; ` +
      `ship what it needs with --include, and "nodeModulesDir": "auto" in deno.json`,
  };
}

/** What people call the package in that folder. */
function nameOf(href: string): string {
  const npm = packageOf(`${href}package.json`);
  if (npm !== undefined) return `npm:${npm.name}@${npm.version}`;
  return decodeURIComponent(href.slice(href.lastIndexOf("/node_modules/") + 1, -1));
}
