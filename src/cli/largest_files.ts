/** What a dry run says about the size of a deployment: its largest files. */

import { formatMem } from "../core/resources.ts";
import { onOneLine } from "../core/file_names.ts";
import type { RunSpec } from "../wire/run_spec.ts";

/** How many are listed. */
const MAX_FILES = 10;

/**
 * One line for each of the ten largest files of a program, the largest first, with their sizes; preceded by one
 * that says of how many. Pure.
 */
export function largestFiles({ name, manifest, runtime, tree }: RunSpec): string[] {
  const own = [
    { path: `${name} (built)`, size: manifest.size },
    ...(runtime === undefined ? [] : [{ path: "the runtime", size: runtime.manifest.size }]),
  ];
  const all = [...own, ...tree.packs.flatMap(({ files }) => files)];
  const largest = all.toSorted((one, other) => other.size - one.size).slice(0, MAX_FILES);
  const sizes = largest.map(({ size }) => formatMem(size));
  const width = Math.max(...sizes.map(({ length }) => length));
  return [
    all.length > MAX_FILES ? `the largest of ${all.length} files:` : `${all.length} files:`,
    ...largest.map(({ path }, index) => `  ${sizes[index]!.padStart(width)}  ${onOneLine(path)}`),
  ];
}
