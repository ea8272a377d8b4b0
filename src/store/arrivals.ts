/** Files that are being received into a store, together. */

import { type Manifest, PIECE_BYTES, pieceBytes } from "../core/manifest.ts";
import { ProtocolError } from "../core/errors.ts";
import { writeFull } from "./piece_file.ts";
import type { PieceIndex } from "./piece_index.ts";
import { PieceReader } from "./piece_reader.ts";
import { sha256 } from "./sha256.ts";

/** A file to receive. Its id is unique. */
export interface WantedFile {
  readonly id: string;
  readonly manifest: Manifest;
}

/** A file that has all its pieces: `data` in the folder `draft`. */
export interface ReceivedFile extends WantedFile {
  readonly draft: string;
}

/** Where a piece belongs. */
interface Place {
  readonly file: ReceivedFile;
  readonly index: number;
}

/**
 * Assembles files from the pieces that a store has and those that are put. However many files there are, one
 * is open at a time.
 */
export class Arrivals implements AsyncDisposable {
  /** For each missing hash, all its places. */
  readonly #awaited = new Map<string, Place[]>();
  /** How many pieces each incomplete file lacks. */
  readonly #left = new Map<ReceivedFile, number>();
  #complete: ReceivedFile[] = [];
  readonly #begun = new Set<ReceivedFile>();
  #open: { readonly file: ReceivedFile; readonly data: Deno.FsFile } | undefined;
  #disposed = false;
  /** The end of the last write: they are sequential. */
  #written: Promise<void> = Promise.resolve();

  /** Drafts are made in `folder`, which must exist. */
  constructor(folder: string, wanted: readonly WantedFile[]) {
    for (const { id, manifest } of wanted) {
      const file = { id, manifest, draft: `${folder}/${id}` };
      this.#left.set(file, manifest.pieces.length);
      for (const [index, hash] of manifest.pieces.entries()) {
        const places = this.#awaited.get(hash);
        if (places === undefined) this.#awaited.set(hash, [{ file, index }]);
        else places.push({ file, index });
      }
    }
  }

  /** Takes all intact pieces that `index` knows. Rejects with the reason of `signal` when it is aborted. */
  async takeKnown(index: PieceIndex, signal?: AbortSignal): Promise<void> {
    using reader = new PieceReader(index);
    for (const [file, left] of this.#left) {
      if (left === 0) await this.#write(() => this.#finish(file));
    }
    for (const hash of [...this.#awaited.keys()]) {
      signal?.throwIfAborted();
      const bytes = index.has(hash) ? await reader.read(hash) : undefined;
      if (bytes === undefined) continue;
      this.#checkLength(hash, bytes);
      await this.#place(hash, bytes);
    }
  }

  /** The hashes of the pieces to put, each once, in the order of the files. */
  missing(): string[] {
    return [...this.#awaited.keys()];
  }

  /**
   * Takes a piece. A duplicate is ignored.
   *
   * @throws {ProtocolError} If no file has such a piece, or it does not match its hash.
   */
  async put(hash: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#checkLength(hash, bytes);
    if (await sha256(bytes) !== hash) {
      throw new ProtocolError("Cannot accept a piece: its hash is not the one in the manifest");
    }
    await this.#place(hash, bytes);
  }

  /** The files that were completed since the last call. They belong to the caller. */
  takeComplete(): ReceivedFile[] {
    const complete = this.#complete;
    this.#complete = [];
    return complete;
  }

  /** How many files were completed since the last call of {@linkcode takeComplete}. */
  get completeCount(): number {
    return this.#complete.length;
  }

  /** Resolves when everything is written; throws if pieces are missing. */
  async finish(): Promise<void> {
    await this.#written;
    if (this.#awaited.size > 0) {
      throw new Error(`Cannot finish the files: ${this.#awaited.size} pieces have not arrived`);
    }
  }

  /** Closes what is open, complete or not. A piece that is put later is not written. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    // The error was reported to the caller of `put`.
    await this.#written.catch(() => {});
    this.#close();
  }

  #checkLength(hash: string, bytes: Uint8Array): void {
    for (const { file: { manifest }, index } of this.#awaited.get(hash) ?? []) {
      const length = pieceBytes(manifest, index);
      if (bytes.length !== length) {
        throw new ProtocolError(
          `Cannot accept a piece: it has ${bytes.length} bytes, expected ${length}`,
        );
      }
    }
  }

  async #place(hash: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const places = this.#awaited.get(hash);
    if (places === undefined || this.#disposed) return;
    this.#awaited.delete(hash);
    await this.#write(async () => {
      for (const { file, index } of places) await this.#writePiece(file, index, bytes);
    });
  }

  async #writePiece(file: ReceivedFile, index: number, bytes: Uint8Array): Promise<void> {
    const data = await this.#opened(file);
    await data.seek(index * PIECE_BYTES, Deno.SeekMode.Start);
    await writeFull(data, bytes);
    const left = (this.#left.get(file) ?? 0) - 1;
    this.#left.set(file, left);
    if (left === 0) await this.#finish(file);
  }

  async #finish(file: ReceivedFile): Promise<void> {
    await this.#opened(file); // an empty file is made here
    this.#close();
    this.#left.delete(file);
    this.#complete.push(file);
  }

  async #opened(file: ReceivedFile): Promise<Deno.FsFile> {
    if (this.#open?.file === file) return this.#open.data;
    this.#close();
    const path = `${file.draft}/data`;
    const isNew = !this.#begun.has(file);
    if (isNew) await Deno.mkdir(file.draft);
    const data = await Deno.open(path, { createNew: isNew, write: true });
    this.#begun.add(file);
    this.#open = { file, data };
    if (isNew) await data.truncate(file.manifest.size);
    return data;
  }

  #close(): void {
    this.#open?.data.close();
    this.#open = undefined;
  }

  #write(work: () => Promise<void>): Promise<void> {
    return this.#written = this.#written.then(work);
  }
}
