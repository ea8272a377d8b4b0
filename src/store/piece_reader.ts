/** Reads pieces from any of their places, and checks their hashes. */

import { readFull } from "./piece_file.ts";
import type { PieceIndex, PiecePlace } from "./piece_index.ts";
import { sha256 } from "./sha256.ts";

/** Reads pieces. The last file stays open, since the next piece is often in it. */
export class PieceReader implements Disposable {
  readonly #index: PieceIndex;
  #path = "";
  #file: Deno.FsFile | undefined;

  constructor(index: PieceIndex) {
    this.#index = index;
  }

  /** The piece with that hash; `undefined` if there is no intact copy. */
  async read(hash: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    for (const place of this.#index.places(hash)) {
      const bytes = await this.#readPlace(place);
      if (bytes !== undefined && await sha256(bytes) === hash) return bytes;
    }
    return undefined;
  }

  async #readPlace(place: PiecePlace): Promise<Uint8Array<ArrayBuffer> | undefined> {
    try {
      if (this.#file === undefined || this.#path !== place.path) {
        this[Symbol.dispose]();
        this.#file = await Deno.open(place.path);
        this.#path = place.path;
      }
      await this.#file.seek(place.offset, Deno.SeekMode.Start);
      const bytes = new Uint8Array(place.length);
      return await readFull(this.#file, bytes) === place.length ? bytes : undefined;
    } catch (error) {
      // Another process removed the file, or the disk has an error: the piece is read from another place.
      if (error instanceof Deno.errors.BadResource) throw error;
      return undefined;
    }
  }

  [Symbol.dispose](): void {
    this.#file?.close();
    this.#file = undefined;
  }
}
