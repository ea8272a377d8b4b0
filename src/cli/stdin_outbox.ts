/** What was sent of stdin, until the first process has taken it: it may have to be sent again. */

type Bytes = Uint8Array<ArrayBuffer>;

/** Keeps the bytes between two positions of a stream. */
export class StdinOutbox {
  #chunks: Bytes[] = [];
  #start = 0;
  #end = 0;

  /** How many bytes are kept. */
  get bytes(): number {
    return this.#end - this.#start;
  }

  /** How many bytes there have been. */
  get end(): number {
    return this.#end;
  }

  /** Adds bytes at the end. They must not be modified. */
  push(bytes: Bytes): void {
    this.#chunks.push(bytes);
    this.#end += bytes.length;
  }

  /** Forgets what is before that position. Idempotent. */
  takenTo(position: number): void {
    while (this.#start < position) {
      const first = this.#chunks[0];
      if (first === undefined) return;
      const count = Math.min(first.length, position - this.#start);
      this.#start += count;
      if (count === first.length) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(count);
    }
  }

  /** So many more bytes at the start are forgotten. */
  taken(bytes: number): void {
    this.takenTo(this.#start + bytes);
  }

  /** What is kept from that position on. */
  from(position: number): Bytes[] {
    const parts: Bytes[] = [];
    let at = this.#start;
    for (const chunk of this.#chunks) {
      const skipped = Math.min(chunk.length, Math.max(0, position - at));
      at += chunk.length;
      if (skipped < chunk.length) parts.push(chunk.subarray(skipped));
    }
    return parts;
  }
}
