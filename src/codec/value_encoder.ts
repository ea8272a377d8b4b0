/** The encoder of the value codec: any value that can be sent, as bytes. */

import { type Kind, kindOf } from "./value_classes.ts";
import { addNumber, addShape, forget, knownNumber, knownShape, setAside } from "./value_met.ts";
import {
  closeBuffer,
  FULL,
  isOwn,
  limit,
  openBuffer,
  openTarget,
  out,
  reserve,
  restoreOutput,
  saveOutput,
  takeBuffer,
  writeBigInt,
  writeCount,
  writeDouble,
  writeKey,
  writeNumber,
  writeString,
  writeTag,
} from "./value_output.ts";
import { DEEP, explain, refuse, REFUSED } from "./value_rejection.ts";
import * as tag from "./value_tags.ts";

type Bytes = Uint8Array<ArrayBuffer>;

let busy = false;
let depth = 0;
let resizableBytes = 0;
/** Whether only the part of a buffer that a view covers is written. */
let viewsOnly = false;
/** Whether an object occurred again. */
let shared = false;
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

/** Thrown when a buffer occurs again of which only a part was written: the value is then written anew. */
const AGAIN: unique symbol = Symbol("again");

/** A place for the contents of a `Blob`, which can only be read asynchronously. */
export interface BlobHole {
  readonly blob: Blob;
  /** Where they belong in the encoded value. */
  readonly start: number;
}

/**
 * Writes `value` into `target` from `position` on.
 *
 * @returns The position after it, or -1 if it does not fit or holds a `Blob`; then the contents of
 *   `target` after `position` are undefined.
 * @throws {TypeError} If `value` holds something that cannot be sent, or is nested too deeply. The
 *   message names the path. An error thrown by a getter of `value` is passed on.
 */
export function encodeInto(value: unknown, target: Bytes, position: number): number {
  if (busy) return nested(() => encodeInto(value, target, position));
  begin(position);
  openTarget(target);
  try {
    const end = writeFrom(value, position + 1);
    if (end > target.length) return -1;
    target[position] = shared ? tag.SHARED : tag.PLAIN;
    return end;
  } catch (error) {
    if (error === FULL) return -1;
    throw explain(error, value);
  } finally {
    finish();
  }
}

/**
 * Returns the bytes of `value`, in a buffer that only the caller has and that may be larger: it
 * has at least `front` bytes before them.
 *
 * @throws {TypeError} As {@linkcode encodeInto}.
 */
export function encode(value: unknown, front: number = 0): Bytes {
  return encodeApart(value, front, false, undefined);
}

/**
 * Like {@linkcode encode}, for a value that may hold blobs: the places of their contents, which are zeros,
 * are added to `missing`. {@linkcode fillHoles} reads them.
 *
 * @throws {TypeError} As {@linkcode encodeInto}.
 */
export function encodeWithHoles(value: unknown, front: number, missing: BlobHole[]): Bytes {
  return encodeApart(value, front, false, missing);
}

/**
 * Reads the contents of blobs into an encoded value.
 *
 * @throws {Error} If one cannot be read, such as a file that was changed.
 */
export async function fillHoles(bytes: Bytes, missing: readonly BlobHole[]): Promise<void> {
  for (const { blob, start } of missing) bytes.set(new Uint8Array(await blob.arrayBuffer()), start);
}

/**
 * Like {@linkcode encode}, but only the part of a buffer that a view covers is written: each view
 * that the reader gets has its own buffer, with nothing else in it.
 *
 * @throws {TypeError} As {@linkcode encodeInto}.
 */
export function encodeViews(value: unknown, front: number = 0): Bytes {
  return encodeApart(value, front, true, undefined);
}

function encodeApart(
  value: unknown,
  front: number,
  onlyViews: boolean,
  missing: BlobHole[] | undefined,
): Bytes {
  if (busy) return nested(() => encodeApart(value, front, onlyViews, missing));
  begin(front);
  viewsOnly = onlyViews;
  holes = missing;
  openBuffer();
  try {
    const end = writeFrom(value, front + 1);
    out[front] = shared ? tag.SHARED : tag.PLAIN;
    return takeBuffer(end).subarray(front);
  } catch (error) {
    throw explain(error, value);
  } finally {
    closeBuffer();
    finish();
  }
}

/**
 * Where the contents of the largest `ArrayBuffer` are in the value that was encoded last, of those
 * with a fixed length. The size is 0 if there is none.
 */
export function largestBuffer(): { readonly start: number; readonly size: number } {
  return { start: largestStart - origin, size: largestSize };
}

function begin(position: number): void {
  busy = true;
  origin = position;
  largestStart = position;
  largestSize = 0;
}

/** Runs a nested call: a getter of the value that is being encoded encodes another one. */
function nested<Result>(run: () => Result): Result {
  const outer = { depth, resizableBytes, viewsOnly, shared, origin, largestStart, largestSize };
  const outerBuffers = { parts, whole, holes };
  const output = saveOutput();
  const goBack = setAside();
  finish();
  try {
    return run();
  } finally {
    goBack();
    restoreOutput(output);
    ({ depth, resizableBytes, viewsOnly, shared, origin, largestStart, largestSize } = outer);
    ({ parts, whole, holes } = outerBuffers);
    busy = true;
  }
}

function finish(): void {
  reset();
  viewsOnly = false;
  whole = false;
  holes = undefined;
  busy = false;
}

/** Forgets what was written. */
function reset(): void {
  forget();
  depth = 0;
  resizableBytes = 0;
  shared = false;
  parts = undefined;
}

/**
 * Writes the value. A typed array is written as if it had a buffer of its own, with nothing else in it;
 * if its buffer occurs again, all of the value is written once more, with whole buffers.
 */
function writeFrom(value: unknown, at: number): number {
  try {
    return write(value, at);
  } catch (error) {
    if (error !== AGAIN) throw error;
    reset();
    begin(origin);
    if (holes !== undefined) holes.length = 0;
    whole = true;
    return write(value, at);
  }
}

function write(value: unknown, at: number): number {
  if (at > limit) reserve(at, 0);
  if (typeof value === "string") return writeString(value, at);
  if (typeof value === "number") return writeNumber(value, at);
  if (typeof value === "object" && value !== null) return writeObject(value, at);
  if (typeof value === "bigint") return writeBigInt(value, at);
  if (value === undefined) out[at] = tag.UNDEFINED;
  else if (value === null) out[at] = tag.NULL;
  else if (value === true) out[at] = tag.TRUE;
  else if (value === false) out[at] = tag.FALSE;
  else throw REFUSED;
  return at + 1;
}

function writeObject(value: object, at: number): number {
  // A buffer and its view are numbered in the opposite order.
  if (ArrayBuffer.isView(value)) return writeView(value, at);
  const number = knownNumber(value);
  if (number >= 0) return writeReference(number, at);
  addNumber(value);
  if (++depth > tag.MAX_DEPTH) throw DEEP;
  const prototype: object | null = Object.getPrototypeOf(value);
  let end: number;
  if (prototype === Object.prototype) end = writeProperties(value as Record<string, unknown>, at);
  else if (prototype === Array.prototype && Array.isArray(value)) end = writeArray(value, at);
  else end = writeOther(value, kindOf(value, prototype), at);
  depth--;
  return end;
}

function writeReference(number: number, at: number): number {
  shared = true;
  return writeCount(number, writeTag(tag.REF, at));
}

function writeProperties(value: Record<string, unknown>, at: number): number {
  const keys = Object.keys(value);
  const shape = knownShape(keys);
  if (shape >= 0) {
    out[at++] = tag.SAME_SHAPE + shape;
    for (let index = 0; index < keys.length; index++) at = write(value[keys[index] as string], at);
    return at;
  }
  if (keys.length < 16) out[at++] = tag.OBJECT + keys.length;
  else at = writeCount(keys.length, writeTag(tag.OBJECT_LONG, at));
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index] as string;
    at = write(value[key], writeKey(key, at));
  }
  addShape(keys);
  return at;
}

function writeArray(value: readonly unknown[], at: number): number {
  const length = value.length;
  // The cheapest way to detect properties other than elements, unless as many elements are
  // missing, which is detected at the first missing one.
  const more = Object.values(value).length !== length;
  if (more) at = writeCount(length, writeTag(tag.ARRAY_MORE, at));
  else if (length < 16) out[at++] = tag.ARRAY + length;
  else at = writeCount(length, writeTag(tag.ARRAY_LONG, at));
  for (let index = 0; index < length; index++) {
    const element = value[index];
    if (typeof element === "number") {
      // Saves a call and a boxed number for each element of most arrays of numbers.
      if (at > limit) reserve(at, 0);
      at = writeNumber(element, at);
      continue;
    }
    if (element === undefined && !Object.hasOwn(value, index)) return writeRest(value, index, at);
    at = write(element, at);
  }
  return more ? writeRest(value, length, at) : at;
}

/** Writes the own properties of an array except its first `done` elements. */
function writeRest(value: readonly unknown[], done: number, at: number): number {
  // Indices come first, in ascending order.
  const keys = Object.keys(value).slice(done);
  at = writeCount(keys.length, writeTag(tag.REST, at));
  for (const key of keys) {
    at = write((value as unknown as Record<string, unknown>)[key], writeKey(key, at));
  }
  return at;
}

function writeOther(value: object, kind: Kind, at: number): number {
  switch (kind) {
    case "object":
      return writeProperties(value as Record<string, unknown>, at);
    case "array":
      return writeArray(value as unknown[], at);
    case "map":
      return writeMap(value as Map<unknown, unknown>, at);
    case "set":
      return writeSet([...value as Set<unknown>], at);
    case "date":
      return writeDouble((value as Date).getTime(), writeTag(tag.DATE, at));
    case "regexp":
      at = write((value as RegExp).source, writeTag(tag.REGEXP, at));
      return write((value as RegExp).flags, at);
    case "buffer":
      return writeBuffer(value as ArrayBuffer, at);
    case "error":
      return writeError(value as Error, at);
    case "dom": {
      const { message, name, stack } = value as DOMException;
      return write(String(stack), write(name, write(message, writeTag(tag.DOM_EXCEPTION, at))));
    }
    case "boxed":
      return write(value.valueOf(), writeTag(tag.BOXED, at));
    case "blob":
      return writeBlob(value as Blob, at);
    default:
      throw REFUSED;
  }
}

// Functions that call `write()` for contents use few variables, so that the stack holds MAX_DEPTH frames.

function writeMap(map: ReadonlyMap<unknown, unknown>, at: number): number {
  const flat: unknown[] = [];
  map.forEach((content, key) => flat.push(key, content));
  at = writeTag(tag.MAP, at);
  for (let index = 0; index < flat.length; index++) at = write(flat[index], at);
  return writeTag(tag.END, at);
}

function writeSet(items: readonly unknown[], at: number): number {
  at = writeTag(tag.SET, at);
  for (let index = 0; index < items.length; index++) at = write(items[index], at);
  return writeTag(tag.END, at);
}

function writeError(value: Error, at: number): number {
  at = writeErrorText(value, at);
  if (Object.hasOwn(value, "cause")) at = write(value.cause, at);
  return hasErrors(value) ? write(value.errors, at) : at;
}

function hasErrors(value: Error): value is AggregateError {
  return value.name === "AggregateError" && Object.hasOwn(value, "errors");
}

function writeErrorText(value: Error, at: number): number {
  const { name, stack } = value;
  const number = Math.max(0, (tag.ERRORS as readonly string[]).indexOf(name));
  const message = Object.getOwnPropertyDescriptor(value, "message");
  const hasMessage = message !== undefined && "value" in message;
  const hasStack = typeof stack === "string";
  at = writeTag(tag.ERROR, at);
  at = writeTag(number, at);
  at = writeTag(
    (hasMessage ? tag.HAS_MESSAGE : 0) | (hasStack ? tag.HAS_STACK : 0) |
      (Object.hasOwn(value, "cause") ? tag.HAS_CAUSE : 0) | (hasErrors(value) ? tag.HAS_ERRORS : 0),
    at,
  );
  if (hasMessage) at = write(String(message.value), at);
  return hasStack ? write(stack, at) : at;
}

function writeBuffer(value: ArrayBuffer, at: number): number {
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

function writeView(value: ArrayBufferView, at: number): number {
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
  if (viewsOnly) return writeOnlyView(value, number, at);
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

/** The contents are missing, and read later. */
function writeBlob(value: Blob, at: number): number {
  if (holes === undefined) {
    // An outbox has no place for what is not there yet.
    if (!isOwn()) throw FULL;
    throw refuse(
      "value holds a Blob; only a Sender's values and the argument of spawn may hold one",
    );
  }
  const { type, size } = value;
  at = write(type, writeTag(tag.BLOB, at));
  if (value instanceof File) at = writeDouble(value.lastModified, write(value.name, at));
  else at = write(undefined, at);
  at = writeCount(size, writeTag(tag.BUFFER, at));
  if (at + size > out.length) reserve(at, size);
  out.fill(0, at, at + size);
  holes.push({ blob: value, start: at - origin });
  return at + size;
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
