/** A file that is being received into a store. */

import { ProtocolError } from "../core/protocol_error.ts";
import { type Manifest, PIECE_BYTES, pieceBytes } from "../core/manifest.ts";
import { writeFull } from "./piece_file.ts";
import type { PieceIndex } from "./piece_index.ts";
import { PieceReader } from "./piece_reader.ts";
import { sha256 } from "./sha256.ts";

/** Assembles a file from the pieces that the store has and those that are put. */
export class Incoming implements AsyncDisposable {
  readonly #file: Deno.FsFile;
  readonly #manifest: Manifest;
  /** For each missing hash, all its indices. */
  readonly #awaited: Map<string, number[]>;
  /** The end of the last write. A file has one position, so writes are sequential. */
  #written: Promise<void> = Promise.resolve();

  private constructor(file: Deno.FsFile, manifest: Manifest) {
    this.#file = file;
    this.#manifest = manifest;
    this.#awaited = indicesByHash(manifest.pieces);
  }

  /** Creates the file at `path`, with all intact pieces that `index` knows. */
  static async begin(path: string, manifest: Manifest, index: PieceIndex): Promise<Incoming> {
    const file = await Deno.open(path, { createNew: true, write: true });
    try {
      await file.truncate(manifest.size);
      const incoming = new Incoming(file, manifest);
      using reader = new PieceReader(index);
      for (const [hash, indices] of incoming.#awaited) {
        const bytes = await reader.read(hash);
        if (bytes === undefined) continue;
        incoming.#awaited.delete(hash);
        await incoming.#write(bytes, indices);
      }
      return incoming;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** The pieces to put: one index for each missing hash, in order. */
  missing(): number[] {
    return [...this.#awaited.values()].map((indices) => indices[0] ?? 0);
  }

  /**
   * Takes a piece. A duplicate is ignored.
   *
   * @throws {ProtocolError} If it is not the piece at that index of the manifest.
   */
  async put(index: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const hash = this.#manifest.pieces[index];
    if (hash === undefined) {
      throw new ProtocolError(`Cannot accept piece ${index}: the file has no such piece`);
    }
    const length = pieceBytes(this.#manifest, index);
    if (bytes.length !== length) {
      throw new ProtocolError(
        `Cannot accept piece ${index}: it has ${bytes.length} bytes, expected ${length}`,
      );
    }
    if (await sha256(bytes) !== hash) {
      throw new ProtocolError(
        `Cannot accept piece ${index}: its hash is not the one in the manifest`,
      );
    }
    const indices = this.#awaited.get(hash);
    if (indices === undefined) return;
    this.#awaited.delete(hash);
    await this.#write(bytes, indices);
  }

  /** Resolves when everything is written; throws if pieces are missing. */
  async finish(): Promise<void> {
    await this.#written;
    if (this.#awaited.size > 0) {
      throw new Error(`Cannot finish file: ${this.#awaited.size} pieces have not arrived`);
    }
  }

  /** Closes the file, complete or not. */
  async [Symbol.asyncDispose](): Promise<void> {
    // The error was reported to the caller of `put`.
    await this.#written.catch(() => {});
    this.#file.close();
  }

  #write(bytes: Uint8Array, indices: readonly number[]): Promise<void> {
    return this.#written = this.#written.then(async () => {
      for (const index of indices) {
        await this.#file.seek(index * PIECE_BYTES, Deno.SeekMode.Start);
        await writeFull(this.#file, bytes);
      }
    });
  }
}

function indicesByHash(pieces: readonly string[]): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const [index, hash] of pieces.entries()) {
    const indices = found.get(hash);
    if (indices === undefined) found.set(hash, [index]);
    else indices.push(index);
  }
  return found;
}
