/** What a dry run says about the size of a deployment: its largest files. */

import { formatMem } from "../core/resources.ts";
import { onOneLine } from "../core/file_names.ts";
import type { RunSpec } from "../wire/run_spec.ts";

/** How many are listed. */
const MAX_FILES = 10;

/**
 * One line for each of the ten largest files of a program, the largest first, with their sizes; preceded by one
 * that says of how many. If there are files of packages, a last line has the sizes of the ten largest packages. Pure.
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
    all.length > MAX_FILES ? `the largest of ${all.length} files:` : `${filesOf(all.length)}:`,
    ...largest.map(({ path }, index) => `  ${sizes[index]!.padStart(width)}  ${onOneLine(path)}`),
    ...packageLine(tree.packs.flatMap(({ files }) => files)),
  ];
}

function filesOf(count: number): string {
  return count === 1 ? "1 file" : `${count} files`;
}

const IN_PACKAGE = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/.][^/]*)\//;

function packageLine(files: readonly { path: string; size: number }[]): string[] {
  const packages = new Map<string, { count: number; size: number }>();
  for (const { path, size } of files) {
    const name = IN_PACKAGE.exec(path)?.[1];
    if (name === undefined) continue;
    const { count, size: before } = packages.get(name) ?? { count: 0, size: 0 };
    packages.set(name, { count: count + 1, size: before + size });
  }
  if (packages.size === 0) return [];
  const all = [...packages].sort(([, one], [, other]) => other.size - one.size);
  const shown = all.slice(0, MAX_FILES).map(([name, { count, size }]) =>
    `${name} ${formatMem(size)} in ${filesOf(count)}`
  );
  if (all.length > MAX_FILES) shown.push(`${all.length - MAX_FILES} more`);
  return [`files of packages: ${shown.join(", ")}`];
}
