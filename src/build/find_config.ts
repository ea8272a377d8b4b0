/** Finds the files that make a folder the root of a project. */

// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";

const CONFIG = ["deno.json", "deno.jsonc"];

/**
 * The path of the nearest `deno.json` or `deno.jsonc`, from `folder` upwards, which must be absolute;
 * `undefined` if there is none.
 *
 * @throws {Error} Deno's own, if a folder cannot be read.
 */
export function findConfig(folder: string): string | undefined {
  return findUpwards(folder, CONFIG);
}

/** As {@linkcode findConfig}, but also a `package.json`. */
export function findProjectFile(folder: string): string | undefined {
  return findUpwards(folder, [...CONFIG, "package.json"]);
}

function findUpwards(folder: string, names: readonly string[]): string | undefined {
  for (let at = folder;; at = dirname(at)) {
    for (const name of names) {
      const path = `${at === "/" ? "" : at}/${name}`;
      try {
        if (Deno.statSync(path).isFile) return path;
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
    if (at === "/") return undefined;
  }
}
