/**
 * Cuts the bytes of one connection into frames, and hands each to where it belongs.
 *
 * It says where the next bytes are to be read into, so that values stay where they were read, and
 * the pieces of large ones are read to where they belong. Pure: it does not read by itself.
 */

import {
  FrameType,
  HEADER_BYTES,
  isFrame,
  type Layout,
  LAYOUT_BYTES,
  readLayout,
  readLength,
} from "../wire/frame.ts";
import { ProtocolError } from "../core/protocol_error.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Takes the frames of a stream, in their order. */
export interface FrameHandler {
  /**
   * A whole value; its frame stands in `bytes` from `start` to `end`. Tells whether the bytes are
   * kept; if not, they are overwritten soon.
   */
  value(bytes: Bytes, start: number, end: number): boolean;
  /** A value of the current channel begins to come in pieces. Told again if a connection broke within its first one. */
  begin(layout: Layout): void;
  /**
   * Where the next piece of that value belongs, from its byte `filled` on: room for as many of the
   * `left` that are still to come as lie together, which is at least one.
   */
  pieceTarget(filled: number, left: number): Bytes;
  /**
   * The first `filled` bytes of the piece are in their place; if it is `whole`, those are all. Called
   * as they come. If a connection broke within a piece, it comes again, from its beginning.
   */
  piece(filled: number, whole: boolean): void;
  /** Any other frame; its payload of `length` bytes stands in `view` at `position`. */
  control(type: FrameType, view: DataView<ArrayBuffer>, position: number, length: number): void;
}

interface Piece {
  readonly length: number;
  /** How many of its bytes are in their place. */
  filled: number;
  /** Where the next ones belong. */
  target: Bytes;
  readonly frameBytes: number;
}

/** A connection's first buffer; quiet connections need no more. */
const FIRST_CHUNK_BYTES = 4 * 1024;
const CHUNK_BYTES = 64 * 1024;
/** With less room than this, a chunk is not worth another read. */
const MIN_READ_BYTES = 1024;

export class FrameReader {
  readonly #handler: FrameHandler;
  #chunk: Bytes = new Uint8Array(FIRST_CHUNK_BYTES);
  #view = new DataView(this.#chunk.buffer);
  /** How much of the chunk has been read into, and how much of that has been cut. */
  #filled = 0;
  #cut = 0;
  /** Whether the handler keeps bytes of the chunk, so that they may not be overwritten. */
  #kept = false;
  /** The piece that is being read to its place. */
  #piece: Piece | undefined;
  #offset: number;

  /** `offset` is the position in the stream at which the connection goes on. */
  constructor(handler: FrameHandler, offset: number) {
    this.#handler = handler;
    this.#offset = offset;
  }

  /** The offset after the last frame that has come whole. */
  get offset(): number {
    return this.#offset;
  }

  /** Where the next bytes of the connection are to be read into; never empty. */
  target(): Bytes {
    if (this.#piece !== undefined) return this.#piece.target;
    const left = this.#filled - this.#cut;
    const frame = left < HEADER_BYTES ? 0 : HEADER_BYTES + readLength(this.#chunk, this.#cut);
    const enough = Math.max(Math.min(frame, CHUNK_BYTES) - left, MIN_READ_BYTES);
    if (this.#chunk.length - this.#filled < enough) {
      const fits = left + enough <= this.#chunk.length && this.#chunk.length === CHUNK_BYTES;
      const next = this.#kept || !fits ? new Uint8Array(CHUNK_BYTES) : this.#chunk;
      next.set(this.#chunk.subarray(this.#cut, this.#filled));
      if (next !== this.#chunk) this.#view = new DataView(next.buffer);
      this.#chunk = next;
      this.#kept = false;
      this.#filled = left;
      this.#cut = 0;
    }
    return this.#chunk.subarray(this.#filled);
  }

  /**
   * So many bytes were read into {@linkcode target}.
   *
   * @throws {ProtocolError} If they are not what the protocol says.
   */
  advance(count: number): void {
    if (this.#piece !== undefined) {
      this.#fill(this.#piece, count);
      return;
    }
    this.#filled += count;
    while (this.#filled - this.#cut >= HEADER_BYTES) {
      const type = this.#chunk[this.#cut]! as FrameType;
      const length = readLength(this.#chunk, this.#cut);
      if (!isFrame(type, length)) {
        throw new ProtocolError(`an invalid frame of type ${type}, with ${length} bytes`);
      }
      const pieces = type === FrameType.first || type === FrameType.more;
      if (!(pieces ? this.#beginPiece(type, length) : this.#whole(type, length))) break;
    }
    if (this.#cut === this.#filled && !this.#kept) {
      this.#cut = 0;
      this.#filled = 0;
    }
  }

  /** Hands on the frame at the cut, if all of it is here; tells whether it was. */
  #whole(type: FrameType, length: number): boolean {
    const start = this.#cut;
    const end = start + HEADER_BYTES + length;
    if (end > this.#filled) return false;
    // Counted first: an acknowledgement that the handler causes is to cover this frame.
    this.#cut = end;
    this.#offset += end - start;
    if (type === FrameType.value) {
      if (this.#handler.value(this.#chunk, start, end)) this.#kept = true;
    } else {
      this.#handler.control(type, this.#view, start + HEADER_BYTES, length);
    }
    return true;
  }

  /** Moves what is here of a piece to its place; tells whether that was all of it. */
  #beginPiece(type: FrameType, length: number): boolean {
    let start = this.#cut + HEADER_BYTES;
    let size = length;
    if (type === FrameType.first) {
      if (this.#filled - start < LAYOUT_BYTES) return false;
      this.#handler.begin(readLayout(this.#view, start));
      start += LAYOUT_BYTES;
      size -= LAYOUT_BYTES;
    }
    const target = this.#handler.pieceTarget(0, size);
    const piece = { length: size, filled: 0, target, frameBytes: HEADER_BYTES + length };
    this.#piece = piece;
    this.#cut = start;
    while (this.#cut < this.#filled) {
      const here = this.#chunk.subarray(this.#cut, this.#filled).subarray(0, piece.target.length);
      piece.target.set(here);
      this.#cut += here.length;
      if (this.#fill(piece, here.length)) return true;
    }
    return false;
  }

  /** So many more bytes of the piece are in their place; tells whether that was all of it. */
  #fill(piece: Piece, count: number): boolean {
    piece.filled += count;
    const whole = piece.filled === piece.length;
    if (whole) {
      this.#piece = undefined;
      // Counted first, as above.
      this.#offset += piece.frameBytes;
    } else if (count < piece.target.length) {
      piece.target = piece.target.subarray(count);
    } else {
      piece.target = this.#handler.pieceTarget(piece.filled, piece.length - piece.filled);
    }
    this.#handler.piece(piece.filled, whole);
    return whole;
  }
}
