/**
 * The output buffer of the value codec, and the encoding of values that contain no others.
 *
 * The state is in variables of the module rather than in an object, and positions are passed and
 * returned: this is the innermost loop of every channel.
 */

import * as tag from "./value_tags.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * Thrown by `reserve()` if the target cannot grow; the encoder's caller never sees it. Not an Error:
 * the first one that a process creates takes half a millisecond.
 */
export const FULL: unique symbol = Symbol("full");

/** Room for the bytes written between two checks of `limit`. */
const SLACK = 96;
const SPARE_BYTES = 16 * 1024;
/** Strings of this length or more are encoded by `TextEncoder`. */
const LONG_STRING = 64;

const EMPTY: Bytes = new Uint8Array(0);

/** The buffer to write to. Every call that takes a position may replace it by a larger one. */
export let out: Bytes = EMPTY;
/** At this position, `reserve()` must be called before more is written. */
export let limit = 0;
/** `out` as a `DataView`, created on demand. */
let view: DataView | undefined;
/** Whether `out` is an own buffer, which may be replaced. */
let growable = false;
/** The buffer for encoding into an own buffer; absent while it is in use. */
let spare: Bytes | undefined;

let encoder: TextEncoder | undefined;

/** The state saved by {@linkcode saveOutput}. */
export interface SavedOutput {
  readonly target: Bytes;
  readonly targetLimit: number;
  readonly targetGrowable: boolean;
}

/** Saves the state for `restoreOutput()`. */
export function saveOutput(): SavedOutput {
  return { target: out, targetLimit: limit, targetGrowable: growable };
}

/** Restores the state of a call of {@linkcode saveOutput}. */
export function restoreOutput(saved: SavedOutput): void {
  out = saved.target;
  limit = saved.targetLimit;
  growable = saved.targetGrowable;
  view = undefined;
}

/** Directs output to `target`; throws `FULL` when it has no room. */
export function openTarget(target: Bytes): void {
  if (out !== target) {
    out = target;
    view = undefined;
  }
  // Writing past the end of a typed array does nothing, so a check afterwards is enough.
  limit = target.length;
  growable = false;
}

/** Directs output to an own buffer, which grows. */
export function openBuffer(): void {
  out = spare ?? new Uint8Array(SPARE_BYTES);
  spare = undefined;
  view = undefined;
  limit = out.length - SLACK;
  growable = true;
}

/** Whether the output goes to an own buffer. */
export function isOwn(): boolean {
  return growable;
}

/** Returns the output since `openBuffer()`, up to `end`, in a buffer that nothing else uses. */
export function takeBuffer(end: number): Bytes {
  // A copy is cheaper than keeping a mostly empty buffer, except for a large one.
  return out.length === SPARE_BYTES || end * 2 < out.length
    ? out.slice(0, end)
    : out.subarray(0, end);
}

/** Releases the buffer of `openBuffer()`. */
export function closeBuffer(): void {
  if (out.length === SPARE_BYTES) spare = out;
  out = EMPTY;
  view = undefined;
}

/** Makes room for `size` bytes at `at` and for the bytes before the next check. */
export function reserve(at: number, size: number): void {
  if (!growable) throw FULL;
  const larger = new Uint8Array(Math.max(out.length * 2, at + size + SPARE_BYTES));
  larger.set(out.subarray(0, at));
  closeBuffer();
  out = larger;
  view = undefined;
  limit = larger.length - SLACK;
}

/** Any number. */
export function writeNumber(value: number, at: number): number {
  // -0 does not count as an integer here.
  if ((value | 0) !== value || (value === 0 && 1 / value < 0)) {
    out[at] = tag.DOUBLE;
    return writeDouble(value, at + 1);
  }
  if (value >= 0 && value < tag.LATIN1) {
    out[at] = value;
    return at + 1;
  }
  if (value >= -0x80 && value < 0x80) {
    out[at] = tag.INT8;
    out[at + 1] = value;
    return at + 2;
  }
  out[at + 1] = value;
  out[at + 2] = value >> 8;
  if (value >= -0x8000 && value < 0x8000) {
    out[at] = tag.INT16;
    return at + 3;
  }
  out[at] = tag.INT32;
  out[at + 3] = value >> 16;
  out[at + 4] = value >> 24;
  return at + 5;
}

/** 8 bytes, without a tag. */
export function writeDouble(value: number, at: number): number {
  if (at + 8 > out.length) reserve(at, 8);
  view ??= new DataView(out.buffer, out.byteOffset, out.length);
  view.setFloat64(at, value, true);
  return at + 8;
}

/** A LEB128 number; also above 2^31, where bit operations do not work. */
export function writeCount(value: number, at: number): number {
  if (at > limit) reserve(at, 0);
  while (value >= 0x80) {
    out[at++] = value % 0x80 + 0x80;
    value = Math.floor(value / 0x80);
  }
  out[at] = value;
  return at + 1;
}

/** One byte. */
export function writeTag(byte: number, at: number): number {
  if (at > limit) reserve(at, 0);
  out[at] = byte;
  return at + 1;
}

/** Any string. */
export function writeString(value: string, at: number): number {
  const length = value.length;
  if (length >= LONG_STRING) return writeLongString(value, at);
  const target = out;
  let start = at + 1;
  if (length < 32) {
    target[at] = tag.LATIN1 + length;
  } else {
    target[at] = tag.LATIN1_MEDIUM;
    target[start++] = length;
  }
  for (let index = 0; index < length; index++) {
    const code = value.charCodeAt(index);
    if (code > 0xff) return writeUtf16(value, at);
    target[start + index] = code;
  }
  return start + length;
}

function writeLongString(value: string, at: number): number {
  const start = at + 5;
  encoder ??= new TextEncoder();
  let size: number;
  if (start + value.length * 3 <= out.length) {
    size = encoder.encodeInto(value, out.subarray(start)).written;
  } else {
    // In Deno 2.6, encodeInto() reports wrong numbers if there is too little room.
    const bytes = encoder.encode(value);
    size = bytes.length;
    if (start + size > out.length) {
      // UTF-8 took 3 bytes for each lone surrogate; UTF-16 takes 2, and may still fit.
      if (!value.isWellFormed()) return writeUtf16(value, at);
      reserve(start, size);
    }
    out.set(bytes, start);
  }
  // One byte a character is ASCII; anything else may have lone surrogates, which UTF-8 cannot encode.
  if (size !== value.length && !value.isWellFormed()) return writeUtf16(value, at);
  out[at] = tag.UTF8;
  out[at + 1] = size;
  out[at + 2] = size >> 8;
  out[at + 3] = size >> 16;
  out[at + 4] = size >>> 24;
  return start + size;
}

function writeUtf16(value: string, at: number): number {
  at = writeCount(value.length, writeTag(tag.UTF16, at));
  const end = at + value.length * 2;
  if (end > out.length) reserve(at, value.length * 2);
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index);
    out[at++] = code;
    out[at++] = code >> 8;
  }
  return end;
}

/** Any bigint. */
export function writeBigInt(value: bigint, at: number): number {
  if (BigInt.asIntN(64, value) !== value) {
    out[at] = tag.BIGINT;
    return writeString(value.toString(16), at + 1);
  }
  out[at] = tag.BIGINT64;
  const low = Number(BigInt.asIntN(32, value));
  const high = Number(value >> 32n);
  for (let index = 0; index < 4; index++) {
    out[at + 1 + index] = low >> (8 * index);
    out[at + 5 + index] = high >> (8 * index);
  }
  return at + 9;
}

/** The name of a property. */
export function writeKey(key: string, at: number): number {
  if (at > limit) reserve(at, 0);
  const length = key.length;
  const target = out;
  target[at] = length;
  if (length > tag.MAX_KEY_BYTES) return writeLongKey(key, at);
  for (let index = 0; index < length; index++) {
    const code = key.charCodeAt(index);
    if (code > 0xff) return writeLongKey(key, at);
    target[at + 1 + index] = code;
  }
  return at + 1 + length;
}

function writeLongKey(key: string, at: number): number {
  out[at] = tag.LONG_KEY;
  return writeString(key, at + 1);
}
