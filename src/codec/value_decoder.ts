/** The decoder of the value codec: untrusted bytes, as a value. */

import { bufferOf } from "./ready_buffer.ts";
import {
  at,
  bigIntOf,
  closeInput,
  ended,
  input,
  limit,
  malformed,
  openInput,
  readBigInt64,
  readCount,
  readDouble,
  readInt16,
  readInt32,
  readLatin1,
  readNumbers,
  readShortKey,
  readUtf16,
  readUtf8,
  regExpOf,
  setLength,
  take,
} from "./value_input.ts";
import * as tag from "./value_tags.ts";

type Bytes = Uint8Array<ArrayBuffer>;

let depth = 0;
let resizableBytes = 0;
/** The objects read so far, if the message has references. */
let objects: unknown[] | undefined;

/** The buffer whose contents are not in the input. */
let cutOut: Cut | undefined;

/** The objects whose shapes others may share, or their keys once one does. */
const shapes: (Record<string, unknown> | string[])[] = [];
let shapeCount = 0;

/** Arrays up to this length are allocated at once; longer ones grow, so that nesting cannot multiply memory. */
const SHORT_ARRAY = 1024;

/** The contents of a buffer that were received separately from the input. */
export interface Cut {
  /** The position in the input where they would begin. */
  readonly position: number;
  /** The buffer that becomes part of the value. */
  readonly buffer: ArrayBuffer;
}

/**
 * Decodes the one value in `bytes` from `start` to `end`, with the contents of one buffer cut out.
 *
 * `bytes` are not referenced: the value is a copy, except for the buffer of `cut`.
 *
 * @throws {ProtocolError} If they are not exactly one value as written by the encoder.
 */
export function decode(
  bytes: Bytes,
  start: number = 0,
  end: number = bytes.length,
  cut?: Cut,
): unknown {
  if (!(start >= 0 && start <= end && end <= bytes.length)) {
    throw new RangeError(`Cannot decode bytes ${start} to ${end}: there are ${bytes.length}`);
  }
  openInput(bytes, start, end);
  depth = 0;
  resizableBytes = 0;
  shapeCount = 0;
  cutOut = cut;
  try {
    const header = input[take(1)];
    if (header !== tag.PLAIN && header !== tag.SHARED) throw malformed("it has no header");
    objects = header === tag.SHARED ? [] : undefined;
    const value = read();
    if (at !== limit) throw malformed(`${limit - at} bytes follow it`);
    if (cutOut !== undefined) throw malformed("its separate part is not a buffer");
    return value;
  } catch (cause) {
    // Too deep for the stack, or not enough memory.
    if (cause instanceof RangeError) throw malformed("it is too large", cause);
    throw cause;
  } finally {
    objects = undefined;
    cutOut = undefined;
    shapes.length = 0;
    closeInput();
  }
}

function read(): unknown {
  const byte = input[take(1)] as number;
  if (byte < tag.LATIN1) return byte;
  if (byte < tag.OBJECT) return readLatin1(byte - tag.LATIN1);
  if (byte < tag.ARRAY) return readObject(byte - tag.OBJECT);
  if (byte < tag.UNDEFINED) return readArray(byte - tag.ARRAY);
  switch (byte) {
    case tag.UNDEFINED:
      return undefined;
    case tag.NULL:
      return null;
    case tag.FALSE:
      return false;
    case tag.TRUE:
      return true;
    case tag.INT8:
      return (input[take(1)] as number) << 24 >> 24;
    case tag.INT16:
      return readInt16();
    case tag.INT32:
      return readInt32();
    case tag.DOUBLE:
      return readDouble();
    case tag.ARRAY_LONG:
      return readArray(readCount());
    case tag.OBJECT_LONG:
      return readObject(readCount());
    default:
      return byte < tag.SAME_SHAPE ? readOther(byte) : readSameShape(byte - tag.SAME_SHAPE);
  }
}

function readOther(byte: number): unknown {
  switch (byte) {
    case tag.BIGINT64:
      return readBigInt64();
    case tag.BIGINT:
      return bigIntOf(readString());
    case tag.LATIN1_MEDIUM:
      return readLatin1(input[take(1)] as number);
    case tag.UTF8:
      return readUtf8(readInt32() >>> 0);
    case tag.UTF16:
      return readUtf16(readCount());
    case tag.ARRAY_MORE:
      return readArrayMore(readCount());
    case tag.REF: {
      const number = readCount();
      const object = objects?.[number];
      if (object === undefined) {
        throw malformed(`it refers to object ${number}, which does not exist`);
      }
      return object;
    }
    case tag.DATE:
      return numbered(new Date(readDouble()));
    case tag.REGEXP:
      return numbered(regExpOf(readString(), readString()));
    case tag.MAP: {
      const map = new Map<unknown, unknown>();
      enter(map);
      while (!ended()) {
        const key = read();
        map.set(key, read());
      }
      depth--;
      return map;
    }
    case tag.SET: {
      const set = new Set<unknown>();
      enter(set);
      while (!ended()) set.add(read());
      depth--;
      return set;
    }
    case tag.BUFFER:
    case tag.RESIZABLE_BUFFER:
      return readBuffer(byte);
    case tag.WHOLE_VIEW:
    case tag.VIEW:
    case tag.TRACKING_VIEW:
      return readView(byte);
    case tag.ERROR:
      return readError();
    case tag.DOM_EXCEPTION: {
      const message = readString();
      const error = new DOMException(message, readString());
      return numbered(define(error, "stack", readString(), false));
    }
    case tag.BLOB:
      return readBlob();
    case tag.BOXED: {
      const value = read();
      if (value === null || value === undefined || typeof value === "object") {
        throw malformed("a wrapper object without a primitive");
      }
      return numbered(Object(value));
    }
    default:
      throw malformed(`unknown tag ${byte}`);
  }
}

/** Assigns the next number to `object`, before its contents are read. */
function enter(object: object): void {
  if (++depth > tag.MAX_DEPTH) throw malformed("it is nested too deeply");
  objects?.push(object);
}

/** Assigns the next number to `object`, whose contents are complete. */
function numbered<Value extends object>(object: Value): Value {
  objects?.push(object);
  return object;
}

function readString(): string {
  const value = read();
  if (typeof value !== "string") throw malformed("a string is missing");
  return value;
}

function readObject(count: number): Record<string, unknown> {
  // A key and a value take at least two bytes.
  if (count * 2 > limit - at) throw malformed("it is truncated");
  const object: Record<string, unknown> = {};
  enter(object);
  for (let index = 0; index < count; index++) {
    const key = readShortKey() ?? readString();
    if (key === "__proto__") define(object, key, read());
    else object[key] = read();
  }
  depth--;
  if (shapeCount < tag.MAX_SHAPES) shapes[shapeCount++] = object;
  return object;
}

/** Reads an object with the keys of an earlier one. */
function readSameShape(number: number): Record<string, unknown> {
  if (number >= shapeCount) throw malformed(`unknown shape ${number}`);
  const known = shapes[number] as Record<string, unknown> | string[];
  const names = Array.isArray(known) ? known : shapes[number] = Object.keys(known);
  const object: Record<string, unknown> = {};
  enter(object);
  for (let index = 0; index < names.length; index++) {
    const key = names[index] as string;
    if (key === "__proto__") define(object, key, read());
    else object[key] = read();
  }
  depth--;
  return object;
}

/** Defines a property for which an assignment would do something else. */
function define<Value extends object>(
  object: Value,
  key: string,
  value: unknown,
  enumerable = true,
): Value {
  const descriptor = { value, writable: true, enumerable, configurable: true };
  return Object.defineProperty(object, key, descriptor);
}

function readArray(length: number): unknown[] {
  if (length > limit - at) throw malformed("it is truncated");
  const array: unknown[] = length <= SHORT_ARRAY ? new Array(length) : [];
  enter(array);
  for (let index = readNumbers(array, length); index < length; index++) {
    if (at < limit && input[at] === tag.REST) {
      setLength(array, length);
      readRest(array);
      break;
    }
    array[index] = read();
  }
  depth--;
  return array;
}

function readArrayMore(length: number): unknown[] {
  if (length >= 2 ** 32) throw malformed("an array is too long");
  const array: unknown[] = [];
  enter(array);
  while (input[at] !== tag.REST) {
    if (array.length === length) throw malformed("an array has too many elements");
    array.push(read());
  }
  setLength(array, length);
  readRest(array);
  depth--;
  return array;
}

function readRest(array: unknown[]): void {
  take(1);
  for (let rest = readCount(); rest > 0; rest--) {
    const key = readShortKey() ?? readString();
    if (key === "length") throw malformed("an array has a second length");
    define(array, key, read());
  }
}

function readBuffer(byte: number): ArrayBuffer {
  const maxByteLength = byte === tag.RESIZABLE_BUFFER ? readCount() : undefined;
  const size = readCount();
  if (cutOut?.position === at && cutOut.buffer.byteLength === size && maxByteLength === undefined) {
    const { buffer } = cutOut;
    cutOut = undefined;
    return numbered(buffer);
  }
  const start = take(size);
  if (maxByteLength === undefined) {
    return numbered(bufferOf(input.subarray(start, start + size)));
  }
  resizableBytes += maxByteLength;
  if (maxByteLength < size || resizableBytes > tag.MAX_RESIZABLE_BYTES) {
    throw malformed("a buffer has an impossible maxByteLength");
  }
  const buffer = new ArrayBuffer(size, { maxByteLength });
  new Uint8Array(buffer).set(input.subarray(start, start + size));
  return numbered(buffer);
}

function readBlob(): Blob {
  const type = readString();
  const name = read();
  if (name !== undefined && typeof name !== "string") throw malformed("a file has no name");
  const options = { type, lastModified: name === undefined ? 0 : readDouble() };
  if (input[take(1)] !== tag.BUFFER) throw malformed("a blob has no contents");
  const size = readCount();
  const start = take(size);
  const contents = [input.subarray(start, start + size)];
  return numbered(
    name === undefined ? new Blob(contents, options) : new File(contents, name, options),
  );
}

type ViewConstructor = new (
  buffer: ArrayBuffer,
  byteOffset?: number,
  length?: number,
) => ArrayBufferView;

function readView(byte: number): ArrayBufferView {
  const name = tag.VIEWS[input[take(1)] as number] ?? "";
  const constructor = (globalThis as unknown as Record<string, ViewConstructor | undefined>)[name];
  if (constructor === undefined) throw malformed("unknown kind of view");
  const byteOffset = byte === tag.WHOLE_VIEW ? undefined : readCount();
  const length = byte === tag.VIEW ? readCount() : undefined;
  const buffer = read();
  if (!(buffer instanceof ArrayBuffer)) throw malformed("a view has no buffer");
  try {
    return numbered(new constructor(buffer, byteOffset, length));
  } catch (cause) {
    throw malformed("a view does not fit its buffer", cause);
  }
}

function readError(): Error {
  const name = tag.ERRORS[input[take(1)] as number];
  const flags = input[take(1)] as number;
  if (name === undefined || flags > 0xf) throw malformed("unknown kind of error");
  const message = flags & tag.HAS_MESSAGE ? readString() : undefined;
  const stack = flags & tag.HAS_STACK ? readString() : undefined;
  const error = name === "AggregateError"
    ? new AggregateError([], message)
    : new globalThis[name](message);
  // An error without a stack must not get one from here.
  define(error, "stack", stack, false);
  enter(error);
  if (flags & tag.HAS_CAUSE) define(error, "cause", read(), false);
  if (flags & tag.HAS_ERRORS) define(error, "errors", read(), false);
  depth--;
  return error;
}
