/** Where the pieces are that are there: in which files, and at which places. */

import { type Manifest, PIECE_BYTES, pieceBytes } from "../core/manifest.ts";

/** A place that a piece can be read from. What lies there now may be another thing. */
export interface PiecePlace {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
}

/** Finds pieces by their hashes. */
export class PieceIndex {
  readonly #places = new Map<string, PiecePlace[]>();
  readonly #files = new Map<string, Manifest>();

  /** The paths of all files that were added. */
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
      // A file that repeats a piece a thousand times is as good a source as one that has it once.
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
