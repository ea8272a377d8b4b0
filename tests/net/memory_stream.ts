/** A connection whose other side has already sent everything, and receives nothing. */

import type { ByteStream } from "../../src/net/transport.ts";

export class MemoryStream implements ByteStream {
  /** Everything that was written to it. */
  readonly written: number[] = [];
  readonly #bytes: readonly number[];
  readonly #most: number;
  #position = 0;

  /** `bytes` are read from it. Writes take at most `most` bytes at a time. */
  constructor(bytes: readonly number[] = [], most = Infinity) {
    this.#bytes = bytes;
    this.#most = most;
  }

  /** The number of unread bytes. */
  get left(): number {
    return this.#bytes.length - this.#position;
  }

  read(buffer: Uint8Array): Promise<number | null> {
    const count = Math.min(buffer.length, this.left, this.#most);
    buffer.set(this.#bytes.slice(this.#position, this.#position + count));
    this.#position += count;
    return Promise.resolve(count === 0 ? null : count);
  }

  write(bytes: Uint8Array): Promise<number> {
    const count = Math.min(bytes.length, this.#most);
    this.written.push(...bytes.subarray(0, count));
    return Promise.resolve(count);
  }
}
