/** Reads the pieces of what is deployed by hash. */

// @ts-types="../../types/std_bytes.d.ts"
import { concat } from "@std/bytes/concat";
import { type Manifest, PIECE_BYTES, pieceBytes } from "../core/manifest.ts";
import { ProtocolError } from "../core/errors.ts";
import { readFull } from "../store/piece_file.ts";
import { sha256 } from "../store/sha256.ts";

/** A file, or several small ones, one after the other. */
export interface Source {
  readonly manifest: Manifest;
  readonly parts: readonly SourcePart[];
}

export interface SourcePart {
  /** The path of a file here. */
  readonly path: string;
  readonly size: number;
}

interface Place {
  readonly source: Source;
  readonly index: number;
}

export class PieceSource implements Disposable {
  readonly #places = new Map<string, Place>();
  /** The file that was read last stays open, since the next piece is probably in it. */
  #open: { readonly path: string; readonly file: Deno.FsFile } | undefined;

  #last: Promise<unknown> = Promise.resolve();

  /** A source of several files must have one piece at most. */
  constructor(sources: readonly Source[]) {
    for (const source of sources) {
      for (const [index, hash] of source.manifest.pieces.entries()) {
        this.#places.set(hash, { source, index });
      }
    }
  }

  /** @throws {ProtocolError} If there is no such piece. */
  size(hash: string): number {
    const { source, index } = this.#place(hash);
    return pieceBytes(source.manifest, index);
  }

  /**
   * @throws {ProtocolError} If there is no such piece.
   * @throws {Error} If a file has changed since its manifest was made, or cannot be read.
   */
  async read(hash: string): Promise<Uint8Array<ArrayBuffer>> {
    const { source: { manifest, parts }, index } = this.#place(hash);
    const [only, ...others] = parts;
    const bytes = only !== undefined && others.length === 0
      ? await this.#readOne(only.path, index * PIECE_BYTES, pieceBytes(manifest, index))
      // Waiting for each of many small files would take longer.
      : concat(parts.map(({ path }) => Deno.readFileSync(path)));
    if (await sha256(bytes) === hash) return bytes;
    const names = others.length === 0 ? only?.path : `${only?.path} or a file near it`;
    throw new Error(`Cannot send ${names}: it changed while it was being sent; try again`);
  }

  /** One call at a time: a file has one position. */
  #readOne(path: string, offset: number, size: number): Promise<Uint8Array<ArrayBuffer>> {
    const read = this.#last.then(async () => {
      const bytes = new Uint8Array(size);
      const file = await this.#opened(path);
      await file.seek(offset, Deno.SeekMode.Start);
      await readFull(file, bytes);
      return bytes;
    });
    this.#last = read.catch(() => {}); // the caller gets the error
    return read;
  }

  [Symbol.dispose](): void {
    this.#open?.file.close();
    this.#open = undefined;
  }

  async #opened(path: string): Promise<Deno.FsFile> {
    if (this.#open?.path === path) return this.#open.file;
    this[Symbol.dispose]();
    const file = await Deno.open(path);
    this.#open = { path, file };
    return file;
  }

  #place(hash: string): Place {
    const place = this.#places.get(hash);
    if (place === undefined) {
      throw new ProtocolError("the bridge asked for a piece that no file has");
    }
    return place;
  }
}
