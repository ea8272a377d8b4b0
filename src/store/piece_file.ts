/** Reads a file piece by piece. */

import { type Manifest, PIECE_BYTES, pieceBytes } from "../core/manifest.ts";
import { sha256 } from "./sha256.ts";
import { StoreError } from "./store_error.ts";

/** Fills `buffer` from the file's current position; returns the number of bytes read, less at its end. */
export async function readFull(file: Deno.FsFile, buffer: Uint8Array): Promise<number> {
  let filled = 0;
  while (filled < buffer.length) {
    const count = await file.read(buffer.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  return filled;
}

/** Writes all of `bytes` at the file's current position. */
export async function writeFull(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) written += await file.write(bytes.subarray(written));
}

/**
 * Reads one piece of the file that a manifest describes, and checks it.
 *
 * @throws {StoreError} If the file no longer matches the manifest.
 */
export async function readPiece(
  path: string,
  manifest: Manifest,
  index: number,
): Promise<Uint8Array<ArrayBuffer>> {
  using file = await Deno.open(path);
  const bytes = new Uint8Array(pieceBytes(manifest, index));
  await file.seek(index * PIECE_BYTES, Deno.SeekMode.Start);
  if (
    await readFull(file, bytes) < bytes.length || await sha256(bytes) !== manifest.pieces[index]
  ) {
    throw new StoreError(`Cannot send ${path}: it has changed since it was read; try again`);
  }
  return bytes;
}

/** Whether every byte of a file matches its manifest. False if it does not exist. */
export async function isIntact(path: string, manifest: Manifest): Promise<boolean> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  using _ = file;
  if ((await file.stat()).size !== manifest.size) return false;
  const buffer = new Uint8Array(PIECE_BYTES);
  for (const [index, hash] of manifest.pieces.entries()) {
    const bytes = buffer.subarray(0, pieceBytes(manifest, index));
    if (await readFull(file, bytes) < bytes.length || await sha256(bytes) !== hash) return false;
  }
  return true;
}
