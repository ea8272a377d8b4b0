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
  LENGTH_FIELD_BYTES,
  MAX_MESSAGE_BYTES,
  readLength,
} from "../wire/frame.ts";
import { ProtocolError } from "../wire/protocol_error.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Takes the frames of a stream, in their order. */
export interface FrameHandler {
  /**
   * A whole value; its frame stands in `bytes` from `start` to `end`. Tells whether the bytes are
   * kept; if not, they are overwritten soon.
   */
  value(bytes: Bytes, start: number, end: number): boolean;
  /** A value of `length` bytes begins to come in pieces. */
  begin(length: number): void;
  /** Where the next piece of that value belongs. Asked again if a connection broke within it. */
  pieceTarget(length: number): Bytes;
  /** The piece is in its place. */
  piece(length: number): void;
  /** Any other frame; its payload stands in `view` at `position`. */
  control(type: FrameType, view: DataView, position: number): void;
}

/** A connection's first buffer; quiet connections need no more. */
const FIRST_CHUNK_BYTES = 4 * 1024;
const CHUNK_BYTES = 64 * 1024;
/** With less room than this, a chunk is not worth another read. */
const MIN_READ_BYTES = 1024;

export class FrameReader {
  readonly #handler: FrameHandler;
  #chunk: Bytes = new Uint8Array(FIRST_CHUNK_BYTES);
  /** How much of the chunk has been read into, and how much of that has been cut. */
  #filled = 0;
  #cut = 0;
  /** Whether the handler keeps bytes of the chunk, so that they may not be overwritten. */
  #kept = false;
  /** The piece that is being read to its place. */
  #piece: { target: Bytes; filled: number; frameBytes: number } | undefined;
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
    if (this.#piece !== undefined) return this.#piece.target.subarray(this.#piece.filled);
    const left = this.#filled - this.#cut;
    const frame = left < HEADER_BYTES ? 0 : HEADER_BYTES + readLength(this.#chunk, this.#cut);
    const enough = Math.max(Math.min(frame, CHUNK_BYTES) - left, MIN_READ_BYTES);
    if (this.#chunk.length - this.#filled < enough) {
      const fits = left + enough <= this.#chunk.length && this.#chunk.length === CHUNK_BYTES;
      const next = this.#kept || !fits ? new Uint8Array(CHUNK_BYTES) : this.#chunk;
      next.set(this.#chunk.subarray(this.#cut, this.#filled));
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
      this.#piece.filled += count;
      if (this.#piece.filled === this.#piece.target.length) this.#endPiece();
      return;
    }
    this.#filled += count;
    while (this.#filled - this.#cut >= HEADER_BYTES) {
      const type = this.#chunk[this.#cut]! as FrameType;
      const length = readLength(this.#chunk, this.#cut);
      if (!isFrame(type, length)) {
        throw new ProtocolError(`no frame of type ${type} has ${length} bytes`);
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
      const view = new DataView(this.#chunk.buffer, this.#chunk.byteOffset, end);
      this.#handler.control(type, view, start + HEADER_BYTES);
    }
    return true;
  }

  /** Moves what is here of a piece to its place; tells whether that was all of it. */
  #beginPiece(type: FrameType, length: number): boolean {
    let start = this.#cut + HEADER_BYTES;
    let size = length;
    if (type === FrameType.first) {
      if (this.#filled - start < LENGTH_FIELD_BYTES) return false;
      const view = new DataView(this.#chunk.buffer, this.#chunk.byteOffset, this.#filled);
      const whole = view.getFloat64(start, true);
      if (!Number.isInteger(whole) || whole < 0 || whole > MAX_MESSAGE_BYTES) {
        throw new ProtocolError(`a value of ${whole} bytes`);
      }
      this.#handler.begin(whole);
      start += LENGTH_FIELD_BYTES;
      size -= LENGTH_FIELD_BYTES;
    }
    const target = this.#handler.pieceTarget(size);
    const here = this.#chunk.subarray(start, Math.min(start + size, this.#filled));
    target.set(here);
    this.#cut = start + here.length;
    this.#piece = { target, filled: here.length, frameBytes: HEADER_BYTES + length };
    if (here.length < size) return false;
    this.#endPiece();
    return true;
  }

  #endPiece(): void {
    const { target, frameBytes } = this.#piece!;
    this.#piece = undefined;
    this.#offset += frameBytes;
    this.#handler.piece(target.length);
  }
}
