/** Bytes that are somewhere else, usually in a file, and are read when they are needed. */

export interface StoredBytes {
  readonly size: number;
  /**
   * Reads as many as `target` has, from `at` on.
   *
   * @throws {Error} If there are not so many, or they cannot be read.
   */
  readInto(target: Uint8Array<ArrayBuffer>, at: number): void;
}

/** A part of such bytes. */
export class StoredPart implements StoredBytes {
  readonly size: number;
  readonly #whole: StoredBytes;
  readonly #start: number;

  /** It has to lie within `whole`. */
  constructor(whole: StoredBytes, start: number, size: number) {
    this.#whole = whole;
    this.#start = start;
    this.size = size;
  }

  readInto(target: Uint8Array<ArrayBuffer>, at: number): void {
    this.#whole.readInto(target, this.#start + at);
  }

  /** The same in parts of at most that size, which follow each other. */
  split(maxBytes: number): StoredPart[] {
    const parts: StoredPart[] = [];
    for (let at = 0; at < this.size; at += maxBytes) {
      parts.push(new StoredPart(this, at, Math.min(maxBytes, this.size - at)));
    }
    return parts;
  }

  /** All of it. */
  read(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.size);
    this.readInto(bytes, 0);
    return bytes;
  }
}
