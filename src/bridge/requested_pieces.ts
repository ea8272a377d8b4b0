/** Pieces that a bridge has requested from deploy, and that have not all arrived. */

import type { PutPiece } from "../store/store.ts";

export class RequestedPieces {
  /** Resolves when each piece has arrived and has been stored; rejects if one could not be. */
  readonly arrived: Promise<void>;
  readonly #missing: Set<string>;
  readonly #put: PutPiece;
  readonly #settle: { resolve(): void; reject(error: unknown): void };

  /** `hashes` must not be empty. */
  constructor(hashes: readonly string[], put: PutPiece) {
    this.#missing = new Set(hashes);
    this.#put = put;
    const { promise, ...settle } = Promise.withResolvers<void>();
    promise.catch(() => {}); // nobody waits for them once deploy is gone
    this.arrived = promise;
    this.#settle = settle;
  }

  /** Whether the piece was requested, and has not arrived. */
  has(hash: string): boolean {
    return this.#missing.has(hash);
  }

  /** Stores a piece that was requested. Never rejects: see {@linkcode arrived}. */
  async put(hash: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#missing.delete(hash);
    try {
      await this.#put(hash, bytes);
      if (this.#missing.size === 0) this.#settle.resolve();
    } catch (error) {
      this.#settle.reject(error);
    }
  }
}
