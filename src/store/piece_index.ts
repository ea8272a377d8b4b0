/** An index of the available pieces: in which files they are, and where in those. */

import { type Manifest, PIECE_BYTES, pieceBytes } from "../core/manifest.ts";

/** A place from which a piece can be read. Its contents may have changed since. */
export interface PiecePlace {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
}

/** Finds pieces by hash. */
export class PieceIndex {
  readonly #places = new Map<string, PiecePlace[]>();
  readonly #files = new Map<string, Manifest>();

  /** The paths of all added files. */
  paths(): string[] {
    return [...this.#files.keys()];
  }

  includes(path: string): boolean {
    return this.#files.has(path);
  }

  has(hash: string): boolean {
    return this.#places.has(hash);
  }

  places(hash: string): readonly PiecePlace[] {
    return this.#places.get(hash) ?? [];
  }

  /** Adds a file's pieces. A file that was added before is not added again. */
  add(path: string, manifest: Manifest): void {
    if (this.#files.has(path)) return;
    this.#files.set(path, manifest);
    for (const [index, hash] of manifest.pieces.entries()) {
      const place = { path, offset: index * PIECE_BYTES, length: pieceBytes(manifest, index) };
      const places = this.#places.get(hash);
      if (places === undefined) this.#places.set(hash, [place]);
      // One place for each file is enough, even if the file repeats the piece.
      else if (places.every((known) => known.path !== path)) places.push(place);
    }
  }

  delete(path: string): void {
    const manifest = this.#files.get(path);
    if (manifest === undefined) return;
    this.#files.delete(path);
    for (const hash of new Set(manifest.pieces)) {
      const left = this.places(hash).filter((place) => place.path !== path);
      if (left.length === 0) this.#places.delete(hash);
      else this.#places.set(hash, left);
    }
  }
}
