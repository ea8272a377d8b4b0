/** Manifests: the hashes of a file's pieces. Files with equal manifests are equal. */

import { ProtocolError } from "./errors.ts";

/** A file's contents, by hash. */
export interface Manifest {
  /** The file's size in bytes. */
  readonly size: number;
  /** SHA-256 in hex of each piece of {@linkcode PIECE_BYTES}; the last one may be shorter. */
  readonly pieces: readonly string[];
}

/** The size of each piece but the last. */
export const PIECE_BYTES = 128 * 1024;

/** The largest file that can be shipped: 4 GiB. It also bounds the size of a manifest. */
export const MAX_FILE_BYTES = 32_768 * PIECE_BYTES;

const HASH_BYTES = 32;
const HASH = /^[0-9a-f]{64}$/;

/** Whether `value` is a hash in the form of a manifest. */
export function isHash(value: unknown): value is string {
  return typeof value === "string" && HASH.test(value);
}

/** The number of pieces of a file of `size` bytes. */
function pieceCount(size: number): number {
  return Math.ceil(size / PIECE_BYTES);
}

/** The size of one piece. `index` must be one of the manifest's. */
export function pieceBytes(manifest: Manifest, index: number): number {
  return Math.min(PIECE_BYTES, manifest.size - index * PIECE_BYTES);
}

/** A manifest as it is sent and stored: with its hashes as concatenated bytes. */
export interface PackedManifest {
  readonly size: number;
  readonly hashes: Uint8Array<ArrayBuffer>;
}

export function packManifest({ size, pieces }: Manifest): PackedManifest {
  return { size, hashes: Uint8Array.fromHex(pieces.join("")) };
}

/**
 * Unpacks a manifest from a peer or a file.
 *
 * @throws {ProtocolError} If it is malformed.
 */
export function unpackManifest(value: unknown): Manifest {
  if (typeof value !== "object" || value === null) {
    throw new ProtocolError("Cannot read manifest: it is not an object");
  }
  const { size, hashes } = value as Record<string, unknown>;
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    throw new ProtocolError(`Cannot read manifest: its size is ${String(size)}`);
  }
  if (size > MAX_FILE_BYTES) {
    throw new ProtocolError(
      `Cannot read manifest: the file has ${size} bytes, the limit is ${MAX_FILE_BYTES}`,
    );
  }
  const count = pieceCount(size);
  if (!(hashes instanceof Uint8Array) || hashes.length !== count * HASH_BYTES) {
    const found = hashes instanceof Uint8Array ? `${hashes.length} bytes` : "no bytes";
    throw new ProtocolError(
      `Cannot read manifest: ${found} of hashes for ${size} bytes, expected ${count * HASH_BYTES}`,
    );
  }
  return {
    size,
    pieces: Array.from(
      { length: count },
      (_, index) => hashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES).toHex(),
    ),
  };
}
