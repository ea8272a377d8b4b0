/**
 * The SHA-256 of every file in a folder, by a pool of processes: as `sha256sum` prints them, in order of
 * their names, however long each one takes.
 *
 * Files are found while others are being hashed, so a folder may hold millions: `map` takes the next
 * name when a process can use it. A file that cannot be read is reported and does not stop the others.
 *
 *     deno task example hash_files
 *     deno task example hash_files /usr/share/doc 8
 */

import { init } from "deploy";
import { Pool, task } from "deploy/pool";
import { countArgument } from "./lib/arguments.ts";

interface Hashed {
  path: string;
  bytes: number;
  sha256: string;
}

interface Unreadable {
  path: string;
  why: string;
}

const hashFile = task("hashFile", async (path: string): Promise<Hashed | Unreadable> => {
  // Loaded by the processes that hash, and only by them.
  const { createHash } = await import("node:crypto");
  try {
    using file = await Deno.open(path);
    const hash = createHash("sha256");
    const buffer = new Uint8Array(1024 * 1024);
    let bytes = 0;
    for (let count; (count = await file.read(buffer)) !== null; bytes += count) {
      hash.update(buffer.subarray(0, count));
    }
    return { path, bytes, sha256: hash.digest("hex") };
  } catch (error) {
    return { path, why: error instanceof Error ? error.message : String(error) };
  }
});

/** The files below a folder, sorted within each folder. Links are not followed. */
async function* filesBelow(folder: string): AsyncGenerator<string> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  entries.sort((a, b) => a.name < b.name ? -1 : 1);
  for (const { name, isFile, isDirectory } of entries) {
    if (isFile) yield `${folder}/${name}`;
    else if (isDirectory) yield* filesBelow(`${folder}/${name}`);
  }
}

await init();

const folder = Deno.args[0]?.replace(/(?<=.)\/$/, "") ?? `${import.meta.dirname}/data`;
const processes = countArgument(1, "processes", navigator.hardwareConcurrency);
await using pool = await Pool.start({ size: processes });

let [files, bytes, unreadable] = [0, 0, 0];
for await (const result of pool.map(hashFile, filesBelow(folder))) {
  if ("why" in result) {
    console.error(`${result.path}: ${result.why}`);
    unreadable++;
    continue;
  }
  console.log(`${result.sha256}  ${result.path.slice(folder.length + 1)}`);
  files++;
  bytes += result.bytes;
}
console.log(`${files} files, ${bytes} bytes`);
if (unreadable > 0) Deno.exitCode = 1;
