/** Makes manifests of files, and caches those of large ones. */

// @ts-types="../../types/std_msgpack.d.ts"
import { decode } from "@std/msgpack/decode";
// @ts-types="../../types/std_msgpack.d.ts"
import { encode } from "@std/msgpack/encode";
import { keep } from "./cache_folder.ts";
import {
  type Manifest,
  MAX_FILE_BYTES,
  packManifest,
  PIECE_BYTES,
  unpackManifest,
} from "../core/manifest.ts";
import { readFull } from "./piece_file.ts";
import { sha256, sha256OfText } from "./sha256.ts";
import { reasonOf, StoreError } from "./store_error.ts";

/** Hashing less than this takes no longer than a lookup in the cache. */
const REMEMBERED_BYTES = 4 * 1024 * 1024;

/**
 * How old a file must be to be cached: a change within the clock's resolution after the hashing, which is a second
 * for the time of the last change, would leave its size and times, the cache's key, unchanged.
 */
const SETTLED_MS = 2_000;

/**
 * Hashes a file.
 *
 * With `cacheFolder`, the manifest of a large file is cached there, and used as long as path,
 * size, inode and the times of the last write and of the last change are the same: the first one can be set, as tools do
 * that make equal files from equal sources. A folder that cannot be used is ignored.
 *
 * @param nowMs The time. @default the present
 *
 * @throws {StoreError} If the file cannot be read, is too large, or changes while it is read.
 */
export async function manifestOf(
  path: string,
  cacheFolder?: string,
  nowMs: number = Date.now(),
): Promise<Manifest> {
  try {
    using file = await Deno.open(path);
    const info = await file.stat();
    if (!info.isFile) throw new StoreError(`Cannot ship ${path}: it is not a file`);
    if (info.size > MAX_FILE_BYTES) {
      throw new StoreError(
        `Cannot ship ${path}: it has ${info.size} bytes, the limit is ${MAX_FILE_BYTES}`,
      );
    }
    const remembers = cacheFolder !== undefined && info.size >= REMEMBERED_BYTES;
    if (!remembers) return await hash(path, file, info);
    const absolute = await Deno.realPath(path);
    const entry = `${cacheFolder}/${await sha256OfText(absolute)}.msgpack`;
    const known = await recall(entry, info);
    if (known !== undefined) return known;
    const manifest = await hash(path, file, info);
    if (nowMs - lastChangeMs(info) > SETTLED_MS) {
      await keep(entry, encode({ ...identity(info), manifest: { ...packManifest(manifest) } }));
    }
    return manifest;
  } catch (cause) {
    if (cause instanceof StoreError) throw cause;
    throw new StoreError(`Cannot ship ${path}: ${reasonOf(cause)}`, { cause });
  }
}

async function hash(path: string, file: Deno.FsFile, info: Deno.FileInfo): Promise<Manifest> {
  const pieces: string[] = [];
  const buffer = new Uint8Array(PIECE_BYTES);
  let size = 0;
  for (;;) {
    const filled = await readFull(file, buffer);
    if (filled === 0) break;
    size += filled;
    if (size > info.size) break;
    pieces.push(await sha256(buffer.subarray(0, filled)));
  }
  if (size !== info.size || !isSame(await file.stat(), info)) {
    throw new StoreError(`Cannot ship ${path}: it changed while it was being read; try again`);
  }
  return { size, pieces };
}

function identity({ size, ino, mtime, ctime }: Deno.FileInfo): Record<string, number | null> {
  return {
    size,
    mtimeMs: mtime?.getTime() ?? null,
    ctimeMs: ctime?.getTime() ?? null,
    inode: ino,
  };
}

/** When a file was written or changed last; never in the past where the system does not tell. */
function lastChangeMs({ mtime, ctime }: Deno.FileInfo): number {
  return Math.max(mtime?.getTime() ?? Infinity, ctime?.getTime() ?? 0);
}

function isSame(one: Deno.FileInfo, other: Deno.FileInfo): boolean {
  return JSON.stringify(identity(one)) === JSON.stringify(identity(other));
}

async function recall(entry: string, info: Deno.FileInfo): Promise<Manifest | undefined> {
  try {
    const { manifest, ...kept } = decode(await Deno.readFile(entry)) as Record<string, unknown>;
    if (JSON.stringify(kept) !== JSON.stringify(identity(info))) return undefined;
    return unpackManifest(manifest);
  } catch {
    // The entry is missing, unreadable or malformed: the file is hashed.
    return undefined;
  }
}
