/** Reads the pieces of the deployed files by hash. */

import { type Manifest, PIECE_BYTES, pieceBytes } from "../core/manifest.ts";
import { ProtocolError } from "../core/protocol_error.ts";

interface Place {
  readonly path: string;
  readonly offset: number;
  readonly size: number;
}

export class PieceSource implements Disposable {
  readonly #places = new Map<string, Place>();
  /** The file that was read last stays open, since the next piece is probably in it. */
  #open: { readonly path: string; readonly file: Deno.FsFile } | undefined;

  constructor(files: readonly { readonly path: string; readonly manifest: Manifest }[]) {
    for (const { path, manifest } of files) {
      for (const [index, hash] of manifest.pieces.entries()) {
        const size = pieceBytes(manifest, index);
        this.#places.set(hash, { path, offset: index * PIECE_BYTES, size });
      }
    }
  }

  /** @throws {ProtocolError} If no file has such a piece. */
  size(hash: string): number {
    return this.#place(hash).size;
  }

  /**
   * @throws {ProtocolError} If no file has such a piece.
   * @throws {Error} If the file has become shorter since its manifest was made, or cannot be read.
   */
  async read(hash: string): Promise<Uint8Array<ArrayBuffer>> {
    const { path, offset, size } = this.#place(hash);
    if (this.#open?.path !== path) {
      this.#open?.file.close();
      this.#open = { path, file: await Deno.open(path) };
    }
    const { file } = this.#open;
    await file.seek(offset, Deno.SeekMode.Start);
    const bytes = new Uint8Array(size);
    for (let filled = 0; filled < size;) {
      const count = await file.read(bytes.subarray(filled));
      if (count === null) {
        throw new Error(`Cannot send ${path}: it changed while it was being sent`);
      }
      filled += count;
    }
    return bytes;
  }

  [Symbol.dispose](): void {
    this.#open?.file.close();
    this.#open = undefined;
  }

  #place(hash: string): Place {
    const place = this.#places.get(hash);
    if (place === undefined) {
      throw new ProtocolError("the bridge asked for a piece that no file has");
    }
    return place;
  }
}
