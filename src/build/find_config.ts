/** Finds the root of a program's project: the nearest `deno.json`. */

// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";

/**
 * The path of the nearest `deno.json` or `deno.jsonc`, from `folder` upwards, which must be absolute;
 * `undefined` if there is none.
 *
 * @throws {Error} Deno's own, if a folder cannot be read.
 */
export function findConfig(folder: string): string | undefined {
  for (let at = folder;; at = dirname(at)) {
    for (const name of ["deno.json", "deno.jsonc"]) {
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
