/** Remembers the end of what a process wrote. */

type Bytes = Uint8Array<ArrayBuffer>;

/** The most lines and bytes that are remembered. */
const MAX_LINES = 20;
const MAX_BYTES = 4_096;

const NEWLINE = 0x0a;

const decoder = new TextDecoder();

/**
 * The last lines of an output stream: at most 20, and 4 KiB. A process that writes nothing costs nothing, and
 * one that writes a lot costs little for each read.
 */
export class OutputTail {
  #bytes: Bytes | undefined;
  #length = 0;

  /** Adds what was written; `bytes` may be overwritten afterwards. */
  add(bytes: Bytes): void {
    const added = bytes.subarray(-MAX_BYTES);
    this.#bytes ??= new Uint8Array(2 * MAX_BYTES);
    if (this.#length + added.length > this.#bytes.length) {
      const kept = Math.min(this.#length, MAX_BYTES);
      this.#bytes.copyWithin(0, this.#length - kept, this.#length);
      this.#length = kept;
    }
    this.#bytes.set(added, this.#length);
    this.#length += added.length;
  }

  /** The last lines. A line that is cut off at its start is left out, unless it is the only one. */
  text(): string {
    if (this.#bytes === undefined) return "";
    let start = Math.max(0, this.#length - MAX_BYTES);
    const bytes = this.#bytes.subarray(0, this.#length);
    if (start > 0 && bytes[start - 1] !== NEWLINE) {
      const newline = bytes.indexOf(NEWLINE, start);
      if (newline >= 0 && newline + 1 < bytes.length) start = newline + 1;
    }
    // The newline at the end ends the last line, and begins none.
    let from = bytes.length - 1;
    for (let lines = 0; lines < MAX_LINES && from >= start; lines++) {
      from = bytes.subarray(0, from).lastIndexOf(NEWLINE);
      if (from < 0) break;
    }
    return decoder.decode(bytes.subarray(Math.max(start, from + 1)));
  }
}
