/**
 * Splits the bytes of one connection into frames, and routes each of a peer's stream by its meaning.
 *
 * The reader determines where the next bytes are read to, so that values stay where they were read, and the pieces
 * of large ones are read straight to their target. Pure: it does not read by itself.
 */

import type { Acknowledger } from "./acknowledger.ts";
import type { Incoming } from "./in_channels.ts";
import type { OutChannels } from "./out_channels.ts";
import type { Outbox } from "./outbox.ts";
import { decode } from "../codec/value_decoder.ts";
import { ProtocolError } from "../core/errors.ts";
import {
  FrameType,
  HEADER_BYTES,
  isFrame,
  type Layout,
  LAYOUT_BYTES,
  readLayout,
  readLength,
} from "../wire/frame.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Handles the frames of a stream, in order. */
export interface FrameHandler {
  /**
   * A whole value; its frame is in `bytes` from `start` to `end`. Returns whether the bytes are kept; if
   * not, they are overwritten soon.
   */
  value(bytes: Bytes, start: number, end: number): boolean;
  /**
   * A value of the current channel begins to arrive in pieces. Called again if a connection broke within
   * its first piece.
   */
  begin(layout: Layout): void;
  /**
   * The target of the next piece of that value, from its byte `filled` on: room for as many of the `left`
   * remaining bytes as are contiguous, at least one.
   */
  pieceTarget(filled: number, left: number): Bytes;
  /**
   * The first `filled` bytes of the piece have been stored; if it is `whole`, these are all. Called as they
   * arrive. A piece that a broken connection interrupted is sent again, from its beginning.
   */
  piece(filled: number, whole: boolean): void;
  /** Any other frame; its payload of `length` bytes is in `view` at `position`. */
  control(type: FrameType, view: DataView<ArrayBuffer>, position: number, length: number): void;
}

interface Piece {
  readonly length: number;
  /** How many of its bytes have been stored. */
  filled: number;
  /** The target of the next ones. */
  target: Bytes;
  readonly frameBytes: number;
}

/** A connection's first buffer; quiet connections need no more. */
const FIRST_CHUNK_BYTES = 4 * 1024;
const CHUNK_BYTES = 64 * 1024;
/** With less room than this, a chunk is not used for another read. */
const MIN_READ_BYTES = 1024;

export class FrameReader {
  readonly #handler: FrameHandler;
  #chunk: Bytes = new Uint8Array(FIRST_CHUNK_BYTES);
  #view = new DataView(this.#chunk.buffer);
  /** How much of the chunk is filled, and how much of that has been split into frames. */
  #filled = 0;
  #cut = 0;
  /** Whether the handler keeps bytes of the chunk, so that they may not be overwritten. */
  #kept = false;
  /** The piece that is being read to its target. */
  #piece: Piece | undefined;
  #offset: number;
  #ended = false;

  /** `offset` is the position in the stream at which the connection resumes. */
  constructor(handler: FrameHandler, offset: number) {
    this.#handler = handler;
    this.#offset = offset;
  }

  /** The offset after the last complete frame. */
  get offset(): number {
    return this.#offset;
  }

  /** Whether the other side has ended its direction of the connection: nothing follows. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The target of the next read; never empty. */
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
   * Records that bytes were read into {@linkcode target}.
   *
   * @throws {ProtocolError} If they violate the protocol.
   */
  advance(count: number): void {
    if (this.#piece !== undefined) {
      this.#fill(this.#piece, count);
      return;
    }
    this.#filled += count;
    while (this.#filled - this.#cut >= HEADER_BYTES) {
      if (this.#ended) throw new ProtocolError("data after the end of the connection");
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

  /** Passes on the next frame if it is complete; returns whether it was. */
  #whole(type: FrameType, length: number): boolean {
    const start = this.#cut;
    const end = start + HEADER_BYTES + length;
    if (end > this.#filled) return false;
    this.#cut = end;
    if (type === FrameType.fin) {
      this.#ended = true;
      return true;
    }
    // Counted first: an acknowledgement that the handler causes has to cover this frame.
    this.#offset += end - start;
    if (type === FrameType.value) {
      if (this.#handler.value(this.#chunk, start, end)) this.#kept = true;
    } else {
      this.#handler.control(type, this.#view, start + HEADER_BYTES, length);
    }
    return true;
  }

  /** Moves the received part of a piece to its target; returns whether that completes it. */
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

  /** Records more stored bytes of the piece; returns whether that completes it. */
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

/** The targets of frames. */
export interface FrameTargets {
  /** The channels of this stream's direction. */
  readonly incoming: Incoming;
  /** Those of the other one. */
  readonly sending: OutChannels;
  readonly outbox: Outbox;
  readonly acknowledger: Acknowledger;
  /** The error for a channel on which nothing more is accepted. */
  stopError(reason: number): Error;
  /** More sent data is acknowledged. */
  acked(): void;
  /** An acknowledgement, now due, has to be written at once. */
  asked(): void;
  /** The other side has said whether it needs the connection. */
  idle(isIdle: boolean): void;
  /** The other process ends by itself, with that exit code. */
  bye(code: number): void;
}

export class FrameRouter implements FrameHandler {
  readonly #incoming: Incoming;
  readonly #acknowledger: Acknowledger;
  readonly #targets: FrameTargets;

  constructor(targets: FrameTargets) {
    this.#targets = targets;
    this.#incoming = targets.incoming;
    this.#acknowledger = targets.acknowledger;
  }

  value(bytes: Bytes, start: number, end: number): boolean {
    this.#acknowledger.owe();
    return this.#incoming.current.value(bytes, start, end);
  }

  begin(layout: Layout): void {
    this.#incoming.current.begin(layout);
  }

  pieceTarget(filled: number, left: number): Bytes {
    return this.#incoming.current.pieceTarget(filled, left);
  }

  piece(filled: number, whole: boolean): void {
    if (whole) this.#acknowledger.owe();
    this.#incoming.current.piece(filled, whole);
  }

  control(type: FrameType, view: DataView<ArrayBuffer>, position: number, length: number): void {
    const { sending, outbox } = this.#targets;
    const first = () => view.getUint32(position, true);
    const second = () => view.getUint32(position + 4, true);
    switch (type) {
      case FrameType.cancel:
        this.#acknowledger.owe();
        return this.#incoming.current.cancel();
      case FrameType.end:
        this.#acknowledger.owe();
        return this.#incoming.finish({ kind: "closed" });
      case FrameType.abort: {
        this.#acknowledger.owe();
        const reason = decode(new Uint8Array(view.buffer), position, position + length);
        return this.#incoming.finish({ kind: "aborted", reason });
      }
      case FrameType.channel:
        return this.#incoming.select(first());
      case FrameType.open:
        return this.#incoming.open(first(), decodeName(view, position + 4, length - 4));
      case FrameType.accept:
        return sending.accept(first());
      case FrameType.stop:
        return sending.stop(first(), second(), (reason) => this.#targets.stopError(reason));
      case FrameType.credit:
        return sending.credit(first(), second());
      case FrameType.ack:
        outbox.ack(view.getFloat64(position, true));
        return this.#targets.acked();
      case FrameType.ask:
        this.#acknowledger.owe();
        return this.#targets.asked();
      case FrameType.idle:
      case FrameType.busy:
        return this.#targets.idle(type === FrameType.idle);
      case FrameType.bye:
        return this.#targets.bye(first());
    }
  }
}

function decodeName(view: DataView<ArrayBuffer>, position: number, length: number): string {
  try {
    const bytes = new Uint8Array(view.buffer, position, length);
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new ProtocolError("a channel name that is not UTF-8", { cause });
  }
}
