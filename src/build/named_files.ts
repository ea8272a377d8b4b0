/** The files that a program's modules name relative to themselves: they are shipped without being asked for. */

import type { NamedFile } from "./bundle_notes.ts";
import { encodePath } from "./entry.ts";
import { pathInProject } from "./module_place.ts";

/** What is named. */
export interface Named {
  /** The absolute paths of files and folders in the project. */
  readonly paths: readonly string[];
  /** The paths below the root of the folders of what is not there, since the program may make it. */
  readonly folders: readonly string[];
  /** Files of npm packages, and their paths below the root. */
  readonly packaged: readonly { readonly source: string; readonly path: string }[];
  /** One line for each file that is there and cannot be shipped, with what to do. */
  readonly warnings: readonly string[];
}

/**
 * Finds what is there of the files that modules name. What is not there may be made by the program, and is not
 * reported. Nor is a folder that contains the module: it names its own place so, and not what is in it.
 *
 * @param root The absolute path of the project's folder.
 */
export async function findNamed(files: readonly NamedFile[], root: string): Promise<Named> {
  const rootUrl = new URL(`file://${encodePath(root === "/" ? "" : root)}/`).href;
  const paths: string[] = [];
  const folders: string[] = [];
  const packaged: { source: string; path: string }[] = [];
  const warnings: string[] = [];
  for (const { href, module, from } of files) {
    const source = decodeURIComponent(new URL(href).pathname).replace(/(?<=.)\/$/, "");
    const isAbove = module.startsWith(`${href.replace(/\/$/, "")}/`);
    const info = isAbove ? undefined : await stat(source);
    const path = pathInProject(href, rootUrl);
    if (info === undefined) {
      if (path !== undefined) folders.push(path.slice(0, Math.max(path.lastIndexOf("/"), 0)));
      continue;
    }
    if (href.startsWith(rootUrl)) {
      paths.push(source);
    } else if (path !== undefined && info.isFile) {
      packaged.push({ source, path });
    } else if (path === undefined) {
      warnings.push(
        `${from}: ${source} is not shipped, since it is outside of the project ${root}: ` +
          `add --include ${source}`,
      );
    }
  }
  return { paths, folders, packaged, warnings };
}

async function stat(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch {
    // Missing, or not to be read: the program cannot read it here either.
    return undefined;
  }
}
