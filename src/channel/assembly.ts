/**
 * A value that arrives in pieces: where its bytes are stored, and how many count as held.
 *
 * The contents of its largest buffer are read into a separate buffer, which the program gets. All others
 * are read into one that is reused when the value has been decoded.
 */

import type { Layout } from "../wire/frame.ts";
import { ProtocolError } from "../core/protocol_error.ts";
import { decode } from "../codec/value_decoder.ts";
import { allocate, giveSpare, takeSpare } from "./large_buffers.ts";

type Bytes = Uint8Array<ArrayBuffer>;

export class Assembly {
  readonly #layout: Layout;
  /** The value without the contents of that buffer. */
  readonly #rest: Bytes;
  readonly #buffer: Bytes;
  /** How many of its bytes arrived in complete pieces. */
  #filled = 0;
  /** How many arrived in total: an interrupted piece is sent again, and counts once. */
  #arrived = 0;
  /** How many of those count as held. */
  #held = 0;

  /** @throws {ProtocolError} If there is not enough memory. */
  constructor(layout: Layout) {
    this.#layout = layout;
    const { length, bufferSize } = layout;
    const rest = length - bufferSize;
    try {
      this.#rest = takeSpare(rest)?.subarray(0, rest) ?? allocate(rest);
      this.#buffer = allocate(bufferSize);
    } catch (cause) {
      throw new ProtocolError(`not enough memory for a value of ${length} bytes`, {
        cause,
      });
    }
  }

  /** The size of the whole value. */
  get length(): number {
    return this.#layout.length;
  }

  /** Whether it is complete. */
  get whole(): boolean {
    return this.#filled === this.#layout.length;
  }

  /** Whether it is the value of `layout`, without a complete piece. */
  begins({ length, bufferStart, bufferSize }: Layout): boolean {
    const own = this.#layout;
    return this.#filled === 0 && own.length === length && own.bufferStart === bufferStart &&
      own.bufferSize === bufferSize;
  }

  /** The target of the next piece, from its byte `filled` on, with `left` bytes to come. */
  target(filled: number, left: number): Bytes {
    const { length, bufferStart, bufferSize } = this.#layout;
    const start = this.#filled + filled;
    const end = start + left;
    if (end > length) throw new ProtocolError("a piece beyond the end of its value");
    if (start < bufferStart) return this.#rest.subarray(start, Math.min(end, bufferStart));
    const inBuffer = start - bufferStart;
    if (inBuffer < bufferSize) return this.#buffer.subarray(inBuffer, inBuffer + left);
    return this.#rest.subarray(start - bufferSize, end - bufferSize);
  }

  /**
   * The first `filled` bytes of a piece are in their place, and if it is `whole`, all of them.
   *
   * @returns How many of them are new.
   */
  arrived(filled: number, whole: boolean): number {
    const arrived = this.#filled + filled;
    if (whole) this.#filled = arrived;
    const more = Math.max(arrived - this.#arrived, 0);
    this.#arrived += more;
    this.#held += more;
    return more;
  }

  /** Returns how many bytes count as held, and releases them. */
  release(): number {
    const held = this.#held;
    this.#held = 0;
    return held;
  }

  /**
   * The value; called once, when it is complete.
   *
   * @throws {ProtocolError} If the bytes are not a value.
   */
  value(): unknown {
    const { bufferStart, bufferSize } = this.#layout;
    const cut = bufferSize === 0
      ? undefined
      : { position: bufferStart, buffer: this.#buffer.buffer };
    const value = decode(this.#rest, 0, this.#rest.length, cut);
    giveSpare(this.#rest);
    return value;
  }
}
