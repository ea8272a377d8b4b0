/** Encoded values on their way into an outbox: in one frame, or, if they are too large for that, in pieces. */

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
import { type BlobHole, largestBuffer } from "../codec/value_buffers.ts";
import { encodeInto, encodeWithHoles } from "../codec/value_encoder.ts";
import { giveSpare, takeSpare } from "./large_buffers.ts";
import type { Outbox } from "./outbox.ts";
import type { ValueEntry } from "./send_line.ts";

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
