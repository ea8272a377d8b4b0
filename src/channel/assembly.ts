/**
 * A value that comes in pieces: where its bytes go, and how many of them its receiver still holds.
 *
 * The contents of its largest buffer are read into one of their own, which becomes the program's.
 * All the others are read into one that serves again when the value has been decoded.
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
  /** How many of its bytes came in pieces that are whole. */
  #filled = 0;
  /** How many have come at all: a piece in which a connection broke comes again, and counts once. */
  #arrived = 0;
  /** How many of those count as held. */
  #held = 0;

  /** @throws {ProtocolError} If there is no memory for it. */
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

  /** Whether all of it is here. */
  get whole(): boolean {
    return this.#filled === this.#layout.length;
  }

  /** Whether it is the value of `layout`, of which no piece is whole. */
  begins({ length, bufferStart, bufferSize }: Layout): boolean {
    const own = this.#layout;
    return this.#filled === 0 && own.length === length && own.bufferStart === bufferStart &&
      own.bufferSize === bufferSize;
  }

  /** Where the next piece belongs, from its byte `filled` on, of which `left` are to come. */
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
   * @returns How many of them had not come before.
   */
  arrived(filled: number, whole: boolean): number {
    const arrived = this.#filled + filled;
    if (whole) this.#filled = arrived;
    const more = Math.max(arrived - this.#arrived, 0);
    this.#arrived += more;
    this.#held += more;
    return more;
  }

  /** Tells how many bytes count as held; they do so no longer. */
  release(): number {
    const held = this.#held;
    this.#held = 0;
    return held;
  }

  /**
   * The value; to be called once, when it is whole.
   *
   * @throws {ProtocolError} If the bytes are no value.
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
