/**
 * Large values: how they leave in pieces, and how they arrive, and the buffers for both.
 *
 * A new buffer costs more than all its uses: the system provides its pages one by one, zeroed. So spares are
 * reused. They are the process's, not a channel's, so that many idle channels keep no more.
 */

import type { Outbox } from "./outbox.ts";
import type { ValueEntry } from "./send_line.ts";
import { type BlobHole, largestBuffer } from "../codec/value_buffers.ts";
import { decode } from "../codec/value_decoder.ts";
import { encodeInto, encodeWithHoles } from "../codec/value_encoder.ts";
import { ProtocolError } from "../core/errors.ts";
import {
  FrameType,
  HEADER_BYTES,
  type Layout,
  LAYOUT_BYTES,
  MAX_MESSAGE_BYTES,
  MAX_PIECE_BYTES,
  MAX_VALUE_BYTES,
  writeHeader,
  writeLayout,
} from "../wire/frame.ts";

/** How many are kept: one that is being sent from, and one that is being received into. */
const MAX_SPARES = 2;
/** The common sizes that are cheap to keep. */
const MIN_BYTES = 64 * 1024;
const MAX_BYTES = 2 * 1024 * 1024;

const spares: ArrayBuffer[] = [];

/**
 * The C library gives the memory of a buffer of more than 128 KiB back to the system when it is freed, and
 * gets new memory for the next one, page by page, which takes longer than filling it. It adapts: once it
 * has freed a larger one, of at most 32 MiB, it keeps those up to that size (`mallopt(3)`,
 * M_MMAP_THRESHOLD). This one is never touched, so that it takes no memory.
 */
const LESSON_BYTES = 32 * 1024 * 1024 - 64 * 1024;

/**
 * V8 marks its whole heap once buffers have grown by about 10 MiB, or by a tenth of the total, if that is
 * more. A scavenge would find released buffers in a twentieth of the time, but runs only at 64 MiB. With
 * this many bytes more, a tenth exceeds that. They are never touched, so they take no memory either. (Go
 * programs have used such a ballast for the same reason.)
 */
const BALLAST_BYTES = 1024 * 1024 * 1024;
/** How much a process receives in large buffers before this is worthwhile. */
const BALLAST_FROM_BYTES = 64 * 1024 * 1024;

let ballast: ArrayBuffer | undefined;
/** The total bytes of large buffers so far. */
let allocated = 0;

/** A new buffer for `length` bytes of a value. */
export function allocate(length: number): Bytes {
  if (length >= MIN_BYTES) {
    if (allocated === 0) new ArrayBuffer(LESSON_BYTES).transfer(0);
    allocated += length;
    if (allocated > BALLAST_FROM_BYTES) ballast ??= makeBallast();
  }
  return new Uint8Array(length);
}

function makeBallast(): ArrayBuffer {
  // Windows would commit memory for it.
  if (Deno.build.os === "windows") return new ArrayBuffer(0);
  try {
    return new ArrayBuffer(BALLAST_BYTES);
  } catch {
    // The system does not overcommit, or the process has a memory limit.
    return new ArrayBuffer(0);
  }
}

/** A spare buffer of at least `length` bytes, all of it; `undefined` if there is none. */
export function takeSpare(length: number): Bytes | undefined {
  const index = spares.findIndex((buffer) => buffer.byteLength >= length);
  if (index < 0) return undefined;
  const [buffer] = spares.splice(index, 1);
  return new Uint8Array(buffer!);
}

/** Returns a buffer, of which no part may be in use any more, for reuse. */
export function giveSpare({ buffer }: Bytes): void {
  const { byteLength } = buffer;
  if (byteLength < MIN_BYTES || byteLength > MAX_BYTES) return;
  // The newest are kept: they have the currently needed sizes.
  if (spares.length === MAX_SPARES) spares.shift();
  spares.push(buffer);
}

type Bytes = Uint8Array<ArrayBuffer>;

/** Room for what stands before the bytes of a value in its first frame, so that both are one write. */
export const FRONT_BYTES = HEADER_BYTES + LAYOUT_BYTES;

/** A smaller buffer is copied faster than memory is found for it. */
const MIN_BUFFER_BYTES = 64 * 1024;

/** An encoded value, in a buffer with room for a frame's beginning before it. */
export interface LargeValue {
  readonly bytes: Bytes;
  readonly layout: Layout;
  /** The contents of blobs, which are not in it yet. */
  readonly missing: readonly BlobHole[];
}

/**
 * Encodes a value.
 *
 * @throws {TypeError} If it cannot be sent.
 */
export function encodeLarge(value: unknown): LargeValue {
  const missing: BlobHole[] = [];
  return withLayout(encodeWithFront(value, missing), missing);
}

/**
 * Encodes a value straight into an outbox, if one frame can hold it; tells how many bytes the frame has. Otherwise the
 * outbox is as it was, unless a getter of the value has sent something.
 *
 * @throws {TypeError} If it cannot be sent.
 */
export function appendValue(outbox: Outbox, value: unknown): number | LargeValue {
  const before = outbox.end;
  let { bytes, position } = outbox.reserve(false);
  let end = encodeInto(value, bytes, position);
  if (end < 0 && bytes.length - position < MAX_VALUE_BYTES) {
    ({ bytes, position } = outbox.reserve(true));
    end = encodeInto(value, bytes, position);
  }
  // Something that a getter has sent now occupies this place.
  if (end < 0 || outbox.end !== before) return encodeLarge(value);
  if (end - position > MAX_VALUE_BYTES) {
    return withLayout(withFront(bytes.subarray(position, end)), []);
  }
  outbox.commit(end);
  return HEADER_BYTES + end - position;
}

/** Whether a value is too large for one frame, or a piece of it was sent. */
export function goesInPieces({ rest, begun }: ValueEntry): boolean {
  return begun || rest.length > MAX_VALUE_BYTES;
}

/** Puts the next piece of a value into an outbox; tells how many of its bytes that was. */
export function appendPiece(outbox: Outbox, value: ValueEntry): number {
  const { length } = value.rest;
  const size = Math.min(length, MAX_PIECE_BYTES - LAYOUT_BYTES);
  const piece = value.rest.subarray(0, size);
  const release = size === length ? () => giveSpare(piece) : undefined;
  if (value.begun) {
    outbox.appendOwned(FrameType.more, piece, release);
  } else {
    outbox.appendFrame(firstFrame(piece, value.layout), release);
    value.begun = true;
  }
  value.rest = value.rest.subarray(size);
  return size;
}

/** Makes of the first piece of a value, and the room before it, a frame. */
function firstFrame(piece: Bytes, layout: Layout): Bytes {
  const start = piece.byteOffset - FRONT_BYTES;
  const frame = new Uint8Array(piece.buffer, start, FRONT_BYTES + piece.length);
  const position = writeHeader(frame, 0, FrameType.first, LAYOUT_BYTES + piece.length);
  writeLayout(new DataView(piece.buffer, start), position, layout);
  return frame;
}

function encodeWithFront(value: unknown, missing: BlobHole[]): Bytes {
  const spare = takeSpare(0);
  if (spare === undefined) return encodeWithHoles(value, FRONT_BYTES, missing);
  const end = encodeInto(value, spare, FRONT_BYTES);
  const encoded = end < 0 ? undefined : spare.subarray(FRONT_BYTES, end);
  // A small one, that has to wait in line, is not worth the buffer.
  if (encoded !== undefined && encoded.length > MAX_VALUE_BYTES) return encoded;
  giveSpare(spare);
  return encoded === undefined ? encodeWithHoles(value, FRONT_BYTES, missing) : withFront(encoded);
}

function withFront(encoded: Bytes): Bytes {
  const copy = new Uint8Array(FRONT_BYTES + encoded.length);
  copy.set(encoded, FRONT_BYTES);
  return copy.subarray(FRONT_BYTES);
}

/** `bytes` are those of the value that was encoded last. */
function withLayout(bytes: Bytes, missing: readonly BlobHole[]): LargeValue {
  const { length } = bytes;
  if (length > MAX_MESSAGE_BYTES) {
    throw new TypeError(
      `value takes ${length} bytes encoded; at most ${MAX_MESSAGE_BYTES} can be sent`,
    );
  }
  const buffer = largestBuffer();
  const layout = buffer.size < MIN_BUFFER_BYTES
    ? { length, bufferStart: 0, bufferSize: 0 }
    : { length, bufferStart: buffer.start, bufferSize: buffer.size };
  return { bytes, layout, missing };
}

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
