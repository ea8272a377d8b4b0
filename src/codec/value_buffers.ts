/** The encoding of buffers, of the views of them, and of blobs. */

import { kindOf } from "./value_classes.ts";
import { addNumber, knownNumber, writeReference } from "./value_met.ts";
import {
  FULL,
  isOwn,
  limit,
  out,
  reserve,
  writeCount,
  writeDouble,
  writeString,
  writeTag,
} from "./value_output.ts";
import { refuse, REFUSED } from "./value_rejection.ts";
import * as tag from "./value_tags.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A place for the contents of a `Blob`, which can only be read asynchronously. */
export interface BlobHole {
  readonly blob: Blob;
  /** Where they belong in the encoded value. */
  readonly start: number;
}

/** Thrown when a buffer occurs again of which only a part was written: the value is then written anew. */
export const AGAIN: unique symbol = Symbol("again");

let resizableBytes = 0;
/** The start of the value. */
let origin = 0;
/** The place of the contents of the largest buffer so far. */
let largestStart = 0;
let largestSize = 0;
/** The buffers of which only what a view covers was written; `undefined` if there is none. */
let parts: Set<ArrayBuffer> | undefined;
/** Whether buffers are written whole, since two objects of the value share one. */
let whole = false;
/** The blobs whose contents are missing so far; `undefined` if none may be. */
let holes: BlobHole[] | undefined;

/**
 * Begins a value at `position`.
 *
 * @param missing Where blobs are added whose contents are missing; `undefined` if there may be none.
 */
export function beginBuffers(
  position: number,
  missing: BlobHole[] | undefined,
): void {
  origin = position;
  largestStart = position;
  largestSize = 0;
  resizableBytes = 0;
  whole = false;
  holes = missing;
}

/** Begins the value once more, after {@linkcode AGAIN}: buffers are written whole. */
export function restartWhole(): void {
  parts = undefined;
  if (holes !== undefined) holes.length = 0;
  beginBuffers(origin, holes);
  whole = true;
}

/** Releases what the state holds of the value. */
export function finishBuffers(): void {
  parts = undefined;
  holes = undefined;
}

/** Saves the state for a nested message, and clears it; returns a function that restores it. */
export function saveBuffers(): () => void {
  const counts = { origin, largestStart, largestSize, resizableBytes };
  const rest = { whole, parts, holes };
  finishBuffers();
  return () => {
    ({ origin, largestStart, largestSize, resizableBytes } = counts);
    ({ whole, parts, holes } = rest);
  };
}

/**
 * Where the contents of the largest `ArrayBuffer` are in the value that was encoded last, of those
 * with a fixed length. The size is 0 if there is none.
 */
export function largestBuffer(): { readonly start: number; readonly size: number } {
  return { start: largestStart - origin, size: largestSize };
}

/**
 * Reads the contents of blobs into an encoded value.
 *
 * @throws {Error} If one cannot be read, such as a file that was changed.
 */
export async function fillHoles(bytes: Bytes, missing: readonly BlobHole[]): Promise<void> {
  for (const { blob, start } of missing) bytes.set(new Uint8Array(await blob.arrayBuffer()), start);
}

/** Writes a buffer that has its number. */
export function writeBuffer(value: ArrayBuffer, at: number): number {
  if (value.detached) throw REFUSED;
  if (parts !== undefined && parts.has(value)) throw AGAIN;
  if (value.resizable) {
    resizableBytes += value.maxByteLength;
    if (resizableBytes > tag.MAX_RESIZABLE_BYTES) {
      throw refuse(
        `value holds resizable buffers with a total maxByteLength of ${resizableBytes}; ` +
          `at most ${tag.MAX_RESIZABLE_BYTES} can be sent`,
      );
    }
    at = writeCount(value.maxByteLength, writeTag(tag.RESIZABLE_BUFFER, at));
  } else {
    at = writeTag(tag.BUFFER, at);
  }
  const size = value.byteLength;
  at = writeCount(size, at);
  if (at + size > out.length) reserve(at, size);
  out.set(new Uint8Array(value), at);
  if (!value.resizable) noteBuffer(at, size);
  return at + size;
}

/** Writes a view, and its buffer if that does not have a number. */
export function writeView(value: ArrayBufferView, at: number): number {
  // The buffer is numbered before its view, and both before the next object.
  const known = knownNumber(value);
  if (known >= 0) return writeReference(known, at);
  const { buffer, byteOffset, byteLength } = value;
  if (
    !(buffer instanceof ArrayBuffer) || buffer.detached ||
    kindOf(value, Object.getPrototypeOf(value)) === "refused"
  ) throw REFUSED;
  const name = value instanceof DataView ? "DataView" : nameOfTypedArray.call(value) as string;
  const number = tag.VIEWS.indexOf(name);
  if (number < 0) throw REFUSED;
  const bufferNumber = knownNumber(buffer);
  // A DataView shows its buffer and its place in it also when it is printed.
  const isPart = bufferNumber < 0 && byteLength < buffer.byteLength && !buffer.resizable &&
    !(value instanceof DataView);
  if (isPart && !whole) {
    parts ??= new Set();
    if (parts.has(buffer)) throw AGAIN;
    parts.add(buffer);
    return writeOnlyView(value, number, at);
  }
  if (buffer.resizable && tracksLength(value)) {
    at = writeTag(number, writeTag(tag.TRACKING_VIEW, at));
    at = writeCount(byteOffset, at);
  } else if (byteLength === buffer.byteLength && !buffer.resizable) {
    at = writeTag(number, writeTag(tag.WHOLE_VIEW, at));
  } else {
    const length = value instanceof DataView
      ? byteLength
      : (value as unknown as ArrayLike<unknown>).length;
    at = writeTag(number, writeTag(tag.VIEW, at));
    at = writeCount(length, writeCount(byteOffset, at));
  }
  if (bufferNumber >= 0) {
    at = writeReference(bufferNumber, at);
  } else {
    addNumber(buffer);
    at = writeBuffer(buffer, at);
  }
  addNumber(value);
  return at;
}

/** Writes a view as if it had its own buffer, whose number no other object has. */
function writeOnlyView(value: ArrayBufferView, number: number, at: number): number {
  const { buffer, byteOffset, byteLength: size } = value;
  addNumber({});
  addNumber(value);
  at = writeTag(number, writeTag(tag.WHOLE_VIEW, at));
  at = writeCount(size, writeTag(tag.BUFFER, at));
  if (at + size > out.length) reserve(at, size);
  out.set(new Uint8Array(buffer as ArrayBuffer, byteOffset, size), at);
  noteBuffer(at, size);
  return at + size;
}

function noteBuffer(at: number, size: number): void {
  if (size <= largestSize) return;
  largestStart = at;
  largestSize = size;
}

/** Writes a blob without its contents, which are read later. */
export function writeBlob(value: Blob, at: number): number {
  if (holes === undefined) {
    // An outbox has no place for what is not there yet.
    if (!isOwn()) throw FULL;
    throw refuse(
      "value holds a Blob; only a Sender's values and the argument of spawn may hold one",
    );
  }
  const { type, size } = value;
  at = writeText(type, writeTag(tag.BLOB, at));
  if (value instanceof File) at = writeDouble(value.lastModified, writeText(value.name, at));
  else at = writeTag(tag.UNDEFINED, at);
  at = writeCount(size, writeTag(tag.BUFFER, at));
  if (at + size > out.length) reserve(at, size);
  out.fill(0, at, at + size);
  holes.push({ blob: value, start: at - origin });
  return at + size;
}

function writeText(text: string, at: number): number {
  if (at > limit) reserve(at, 0);
  return writeString(text, at);
}

const nameOfTypedArray = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
)?.get as (this: unknown) => unknown;

/** Whether a view of a resizable buffer tracks its length, which only a copy can reveal. */
function tracksLength(value: ArrayBufferView): boolean {
  const { buffer, byteOffset, byteLength } = value;
  if (byteLength === 0) return byteOffset === buffer.byteLength;
  const copy = structuredClone(value);
  (copy.buffer as ArrayBuffer).resize(byteOffset);
  try {
    // Throws if the view is outside its buffer.
    if (copy instanceof DataView) void copy.byteLength;
    else Uint8Array.prototype.at.call(copy as Uint8Array, 0);
    return true;
  } catch {
    return false;
  }
}
