/**
 * Modules that import several test files each. A file that `deno test` is given has an isolate of its own, which loads
 * all that it imports anew: most of the time of many small tests.
 */

// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";

/** A module for `deno test`, or a test file itself. */
export type Entry =
  | { readonly name: string; readonly files: readonly string[] }
  | { readonly file: string };

/**
 * Folders whose files share an isolate. Those of the others have one each: how deep a value `codec` takes depends on
 * what its code did before, and most of what whole programs cost is not in the process of their tests.
 */
const TOGETHER = [
  ...["bridge", "build", "channel", "cli", "core", "dashboard", "host", "master", "net", "node"],
  ...["process", "run", "scripts", "store", "terminal", "wire"],
].map((name) => `tests/${name}`);

/** One entry for the files of each folder that may share an isolate, in their order. */
export function entriesOf(files: readonly string[]): Entry[] {
  const groups = Map.groupBy(files, dirname);
  return [...groups].flatMap(([folder, files]): Entry[] =>
    TOGETHER.includes(folder) && files.length > 1
      ? [{ name: `${folder.slice("tests/".length)}_test.ts`, files }]
      : files.map((file) => ({ file }))
  );
}

/**
 * Writes the modules of entries into a folder.
 *
 * @param root The URL of the folder that the paths begin at.
 * @returns The paths for `deno test`.
 */
export async function writeEntries(
  entries: readonly Entry[],
  folder: string,
  root: URL,
): Promise<string[]> {
  await Deno.mkdir(folder, { recursive: true });
  return await Promise.all(entries.map(async (entry) => {
    if ("file" in entry) return entry.file;
    const imports = entry.files.map((file) => `import ${JSON.stringify(new URL(file, root))};\n`);
    const path = `${folder}/${entry.name}`;
    await Deno.writeTextFile(path, imports.join(""));
    return path;
  }));
}
