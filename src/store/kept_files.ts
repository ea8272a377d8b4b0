/**
 * The files of a store on disk: `files/<id>/data`, and beside it
 * `manifest.msgpack`, whose modification time is the time of the file's last use.
 *
 * Folders appear and disappear atomically, by renaming. Other processes do the same in the same place,
 * so any of them may disappear at any time.
 */

// @ts-types="../../types/std_msgpack.d.ts"
import { decode } from "@std/msgpack/decode";
// @ts-types="../../types/std_msgpack.d.ts"
import { encode } from "@std/msgpack/encode";
import { isHash, type Manifest, packManifest, unpackManifest } from "../core/manifest.ts";

/** The name of a manifest's file. */
const MANIFEST = "manifest.msgpack";

/** A file that was there when it was listed. */
export interface KeptFile {
  readonly id: string;
  readonly sizeBytes: number;
  readonly usedMs: number;
}

/** The path of a file's contents. */
export function dataPath(store: string, id: string): string {
  return `${store}/files/${id}/data`;
}

/** The ids of all files. */
export async function keptIds(store: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const { name } of Deno.readDir(`${store}/files`)) if (isHash(name)) ids.push(name);
  return ids;
}

/** Reads a file's manifest; `undefined` if the file is gone, or its manifest is damaged. */
export async function keptManifest(store: string, id: string): Promise<Manifest | undefined> {
  try {
    return unpackManifest(decode(await Deno.readFile(manifestPath(store, id))));
  } catch {
    // A file without an intact manifest cannot be used; it is replaced when it is fetched again.
    return undefined;
  }
}

/**
 * Stores the file in `draft`, an otherwise empty folder on the same file system. The store must
 * be locked.
 */
export async function keep(
  store: string,
  id: string,
  manifest: Manifest,
  draft: string,
): Promise<void> {
  await Deno.writeFile(`${draft}/${MANIFEST}`, encode({ ...packManifest(manifest) }));
  // Programs are run from here, so the file must not be changed.
  await Deno.chmod(`${draft}/data`, 0o555);
  const folder = `${store}/files/${id}`;
  try {
    await Deno.rename(draft, folder);
  } catch (error) {
    if (await isThere(folder)) {
      // The folder exists: the file was damaged, or another process fetched it at the same time.
      await Deno.rename(`${draft}/${MANIFEST}`, manifestPath(store, id));
      await Deno.rename(`${draft}/data`, dataPath(store, id));
    } else throw error;
  }
}

/** Records that a file is used now. */
export async function touch(store: string, id: string): Promise<void> {
  const now = new Date();
  await Deno.utime(manifestPath(store, id), now, now);
}

/** How much of a store is to be removed. */
export interface Eviction {
  /** At most so much is left. */
  readonly limitBytes: number;
  /** At least so much is removed. @default 0 */
  readonly lackBytes?: number;
}

/**
 * Removes the least recently used files, until that much is left and removed, or only `pinned` ones are left. Each is
 * moved to the path `trash` with its id appended, and is to be removed there. The store must be locked.
 */
export async function evict(
  store: string,
  eviction: Eviction,
  pinned: ReadonlySet<string>,
  trash: string,
): Promise<string[]> {
  const files: KeptFile[] = [];
  for (const id of await keptIds(store)) files.push(await look(store, id));
  const victims = chooseVictims(files, eviction, pinned);
  for (const id of victims) await Deno.rename(`${store}/files/${id}`, `${trash}${id}`);
  return victims;
}

/** The files to remove. Pure. */
export function chooseVictims(
  files: readonly KeptFile[],
  { limitBytes, lackBytes = 0 }: Eviction,
  pinned: ReadonlySet<string>,
): string[] {
  let total = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const enough = Math.min(limitBytes, total - lackBytes);
  const victims: string[] = [];
  for (const { id, sizeBytes } of files.toSorted((a, b) => a.usedMs - b.usedMs)) {
    if (total <= enough) break;
    if (pinned.has(id)) continue;
    victims.push(id);
    total -= sizeBytes;
  }
  return victims;
}

async function look(store: string, id: string): Promise<KeptFile> {
  const data = await statIfThere(dataPath(store, id));
  const manifest = await statIfThere(manifestPath(store, id));
  // Incomplete files go first.
  const usedMs = data === undefined ? 0 : manifest?.mtime?.getTime() ?? 0;
  return { id, sizeBytes: data?.size ?? 0, usedMs };
}

/** The file's `stat`; `undefined` if it does not exist. */
export async function statIfThere(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function isThere(path: string): Promise<boolean> {
  return await statIfThere(path) !== undefined;
}

function manifestPath(store: string, id: string): string {
  return `${store}/files/${id}/${MANIFEST}`;
}
