/** The encoder of the value codec: any value that can be sent, as bytes. */

import { type Kind, kindOf } from "./value_classes.ts";
import {
  AGAIN,
  beginBuffers,
  type BlobHole,
  finishBuffers,
  restartWhole,
  saveBuffers,
  writeBlob,
  writeBuffer,
  writeView,
} from "./value_buffers.ts";
import {
  addNumber,
  addShape,
  forget,
  isShared,
  knownNumber,
  knownShape,
  setAside,
  writeReference,
} from "./value_met.ts";
import {
  closeBuffer,
  FULL,
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
import { DEEP, explain, REFUSED } from "./value_rejection.ts";
import * as tag from "./value_tags.ts";

type Bytes = Uint8Array<ArrayBuffer>;

let busy = false;
let depth = 0;
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
  beginBuffers(position, undefined);
  openTarget(target);
  try {
    const end = writeFrom(value, position + 1);
    if (end > target.length) return -1;
    target[position] = isShared() ? tag.SHARED : tag.PLAIN;
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
  return encodeApart(value, front, undefined);
}

/**
 * Like {@linkcode encode}, for a value that may hold blobs: the places of their contents, which are zeros,
 * are added to `missing`. {@linkcode fillHoles} reads them.
 *
 * @throws {TypeError} As {@linkcode encodeInto}.
 */
export function encodeWithHoles(value: unknown, front: number, missing: BlobHole[]): Bytes {
  return encodeApart(value, front, missing);
}

function encodeApart(
  value: unknown,
  front: number,
  missing: BlobHole[] | undefined,
): Bytes {
  if (busy) return nested(() => encodeApart(value, front, missing));
  beginBuffers(front, missing);
  openBuffer();
  try {
    const end = writeFrom(value, front + 1);
    out[front] = isShared() ? tag.SHARED : tag.PLAIN;
    return takeBuffer(end).subarray(front);
  } catch (error) {
    throw explain(error, value);
  } finally {
    closeBuffer();
    finish();
  }
}

/** Runs a nested call: a getter of the value that is being encoded encodes another one. */
function nested<Result>(run: () => Result): Result {
  const outerDepth = depth;
  const restoreBuffers = saveBuffers();
  const output = saveOutput();
  const goBack = setAside();
  busy = false;
  try {
    return run();
  } finally {
    goBack();
    restoreOutput(output);
    restoreBuffers();
    depth = outerDepth;
    busy = true;
  }
}

function finish(): void {
  forget();
  finishBuffers();
  busy = false;
}

/**
 * Writes the value. A typed array is written as if it had a buffer of its own, with nothing else in it;
 * if its buffer occurs again, all of the value is written once more, with whole buffers.
 */
function writeFrom(value: unknown, at: number): number {
  busy = true;
  depth = 0;
  try {
    return write(value, at);
  } catch (error) {
    if (error !== AGAIN) throw error;
    forget();
    depth = 0;
    restartWhole();
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
