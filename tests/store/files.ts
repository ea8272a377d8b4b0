/** Files with contents that only depend on a seed, and what is needed to ship them. */

import { type Manifest, PIECE_BYTES } from "../../src/core/manifest.ts";
import { manifestOf } from "../../src/store/manifest_of.ts";
import { readPiece } from "../../src/store/piece_file.ts";
import type { FetchPieces, Store } from "../../src/store/store.ts";

/** A folder that is removed when it is disposed. */
export interface TestFolder extends AsyncDisposable {
  readonly path: string;
}

export async function testFolder(): Promise<TestFolder> {
  const path = await Deno.realPath(await Deno.makeTempDir({ prefix: "deploy-store-" }));
  return {
    path,
    async [Symbol.asyncDispose](): Promise<void> {
      await Deno.remove(path, { recursive: true });
    },
  };
}

/** Numbers from 0 to 2**32 - 1 that only depend on `seed` (mulberry32). */
export function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

export function randomBytes(seed: number, length: number): Uint8Array<ArrayBuffer> {
  const next = numbers(seed);
  return Uint8Array.from({ length }, () => next());
}

/** Whole pieces, each of one seed, and a last one that is shorter. */
export function pieces(...seeds: number[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(seeds.length * PIECE_BYTES + 100);
  for (const [index, seed] of seeds.entries()) {
    bytes.set(randomBytes(seed, PIECE_BYTES), index * PIECE_BYTES);
  }
  return bytes;
}

/** A file on the sender's side, and a fetch that records its requests. */
export interface Source {
  readonly path: string;
  readonly manifest: Manifest;
  readonly fetch: FetchPieces;
  /** The indices in each call of `fetch`. */
  readonly asked: number[][];
}

export async function source(
  folder: TestFolder,
  name: string,
  bytes: Uint8Array,
): Promise<Source> {
  const path = `${folder.path}/${name}`;
  await Deno.writeFile(path, bytes);
  const manifest = await manifestOf(path);
  const asked: number[][] = [];
  const fetch: FetchPieces = async (missing, put) => {
    const indices = missing.map((hash) => manifest.pieces.indexOf(hash));
    asked.push(indices);
    for (const index of indices) {
      await put(manifest.pieces[index]!, await readPiece(path, manifest, index));
    }
  };
  return { path, manifest, fetch, asked };
}

/** A file of a store that is in use. */
export interface StoredFile extends AsyncDisposable {
  readonly path: string;
  release(): Promise<void>;
}

/** As `Store.ensure` of one file. */
export async function ensureOne(
  store: Store,
  manifest: Manifest,
  fetch: FetchPieces,
): Promise<StoredFile> {
  const { paths: [path], release } = await store.ensure([manifest], fetch);
  return { path: path!, release, [Symbol.asyncDispose]: release };
}

/** The indices of the pieces of one file that a store lacks. */
export async function missingOf(store: Store, manifest: Manifest): Promise<number[]> {
  return (await store.missing([manifest])).map((hash) => manifest.pieces.indexOf(hash));
}
