/** Joins small files to packs, and makes the manifests of packs. */

// @ts-types="../../types/std_bytes.d.ts"
import { concat } from "@std/bytes/concat";
import { inParallel } from "../core/in_parallel.ts";
import { type Manifest, PIECE_BYTES } from "../core/manifest.ts";
import type { Pack } from "../core/tree.ts";
import { manifestOf } from "../store/manifest_of.ts";
import { sha256 } from "../store/sha256.ts";
import { reasonOf, StoreError } from "../store/store_error.ts";
import type { LocalFile } from "./collect.ts";
import type { Source } from "./piece_source.ts";

/** Larger files are packs by themselves. */
const SMALL_BYTES = 32 * 1024;

/** After how many small files a pack ends on average. */
const PACK_FILES = 64;

/** How many packs are read at once. */
const PARALLEL = 4;

/**
 * Divides files, which are sorted by path, into packs. A pack of several files has at most `PIECE_BYTES`.
 *
 * Where a pack ends depends on the names of its files, besides its size: if a file changes its size, is
 * added or removed, the packs are the same again from one of the next ends on, and are not sent again. The
 * folders in the root have packs of their own. Pure.
 */
export function dividePacks<T extends { readonly path: string; readonly size: number }>(
  files: readonly T[],
): T[][] {
  const packs: T[][] = [];
  let small: T[] = [];
  let bytes = 0;
  const end = () => {
    if (small.length > 0) packs.push(small);
    small = [];
    bytes = 0;
  };
  for (const file of files) {
    if (file.size > SMALL_BYTES) {
      packs.push([file]);
      continue;
    }
    const [first] = small;
    if (first !== undefined && topOf(first.path) !== topOf(file.path)) end();
    if (bytes + file.size > PIECE_BYTES) end();
    small.push(file);
    bytes += file.size;
    if (hashOf(file.path) % PACK_FILES === 0) end();
  }
  end();
  return packs;
}

/** The packs of these files, sorted by path, and where their contents are. */
export interface Packed {
  readonly packs: readonly Pack[];
  readonly sources: readonly Source[];
}

/**
 * Reads files and packs them.
 *
 * @param cacheFolder As in `manifestOf`.
 * @throws {StoreError} If a file cannot be read, or changes while it is read.
 */
export async function packFiles(
  files: readonly LocalFile[],
  { cacheFolder, signal }: { cacheFolder?: string | undefined; signal?: AbortSignal },
): Promise<Packed> {
  const divided = dividePacks(files);
  const manifests: Manifest[] = [];
  await inParallel(divided, PARALLEL, async (pack, index) => {
    const [only, ...others] = pack;
    manifests[index] = others.length === 0
      ? await manifestOfOne(only!, cacheFolder)
      : await manifestOfPack(pack);
  }, signal);
  return {
    packs: divided.map((pack, index) => ({
      manifest: manifests[index]!,
      files: pack.map(({ path, mode, size }) => ({ path, mode, size })),
    })),
    sources: divided.map((pack, index) => ({
      manifest: manifests[index]!,
      parts: pack.map(({ source, size }) => ({ path: source, size })),
    })),
  };
}

async function manifestOfOne(
  { source, size }: LocalFile,
  cacheFolder: string | undefined,
): Promise<Manifest> {
  const manifest = await manifestOf(source, cacheFolder);
  if (manifest.size !== size) throw changed(source);
  return manifest;
}

async function manifestOfPack(pack: readonly LocalFile[]): Promise<Manifest> {
  const parts = pack.map(readSmall);
  const bytes = concat(parts);
  const size = bytes.length;
  return { size, pieces: size === 0 ? [] : [await sha256(bytes)] };
}

/** The contents of a file, which must have its size. Waiting for each of many small files would take longer. */
function readSmall({ source, size }: LocalFile): Uint8Array {
  try {
    const bytes = Deno.readFileSync(source);
    if (bytes.length === size) return bytes;
  } catch (cause) {
    throw new StoreError(`Cannot ship ${source}: ${reasonOf(cause)}`, { cause });
  }
  throw changed(source);
}

function changed(path: string): StoreError {
  return new StoreError(`Cannot ship ${path}: it changed while it was being read; try again`);
}

/** The folder in the root that a path is in; empty for a file in the root itself. */
function topOf(path: string): string {
  return path.slice(0, Math.max(path.indexOf("/"), 0));
}

/** A hash of a text (FNV-1a): the same in every version of this program. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  // The low bits of FNV depend on the low bits of the text only.
  return (hash ^ (hash >>> 15)) >>> 0;
}
