/**
 * The values that the bytes of a message consist of: see message.ts.
 *
 * The reader says what it expects next, so that nothing is made of bytes that are not expected: what is
 * decoded is in proportion to what was received.
 */

import { ProtocolError } from "../core/errors.ts";
import {
  at,
  closeInput,
  input,
  limit,
  malformed,
  openInput,
  readCount,
  readDouble,
  readInt16,
  readInt32,
  readLatin1,
  readShortKey,
  readUtf16,
  readUtf8,
  take,
} from "../codec/value_input.ts";
import * as tag from "../codec/value_tags.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The input is not what is expected. The reader of the message says where. */
export class UnexpectedValue extends ProtocolError {}

/** The deepest nesting of what is skipped. */
const MAX_SKIPPED_DEPTH = 16;

const BYTES_VIEW = tag.VIEWS.indexOf("Uint8Array");

/**
 * Returns what `read` makes of `bytes`, which it has to read to their end.
 *
 * @throws {ProtocolError} If they are malformed.
 */
export function decodePlain<Value>(bytes: Bytes, read: () => Value): Value {
  openInput(bytes, 0, bytes.length);
  try {
    if (input[take(1)] !== tag.PLAIN) throw malformed("it has no header");
    const value = read();
    if (at !== limit) throw malformed(`${limit - at} bytes follow it`);
    return value;
  } finally {
    closeInput();
  }
}

/** The longest name of a type of message. */
const MAX_TYPE = tag.OBJECT - tag.LATIN1 - 1;

/** What precedes the type of a message: the header, an object, and the name of its first property. */
const TYPE_KEY = [4, ...new TextEncoder().encode("type")];

/**
 * The type of a message of which `begun` is the beginning; `undefined` as long as that is too short.
 *
 * @throws {ProtocolError} If it does not begin as a message does.
 */
export function peekType(begun: Bytes): string | undefined {
  const start = 2 + TYPE_KEY.length;
  if (begun.length <= start + MAX_TYPE) return undefined;
  const length = (begun[start] as number) - tag.LATIN1;
  const isMessage = begun[0] === tag.PLAIN &&
    TYPE_KEY.every((byte, index) => begun[2 + index] === byte) &&
    length >= 0 && length <= MAX_TYPE;
  if (!isMessage) throw malformed("it is not a message");
  return String.fromCharCode(...begun.subarray(start + 1, start + 1 + length));
}

/** Begins an object; returns the number of its properties. */
export function readObjectStart(): number {
  const byte = input[take(1)] as number;
  const count = byte >= tag.OBJECT && byte < tag.ARRAY
    ? byte - tag.OBJECT
    : byte === tag.OBJECT_LONG
    ? readCount()
    : unexpected();
  // A key and a value take at least two bytes.
  if (count * 2 > limit - at) throw malformed("it is truncated");
  return count;
}

/** The name of the next property. */
export function readKey(): string {
  return readShortKey() ?? readText();
}

/**
 * The content of the property of that name of an object that has begun, and has `count`; `undefined` if it
 * has none of that name. The properties are still to be read.
 */
export function findText(name: string, count: number): string | undefined {
  const start = at;
  try {
    for (let rest = count; rest > 0; rest--) {
      if (readKey() === name) return readText();
      skipValue();
    }
    return undefined;
  } finally {
    openInput(input, start, limit);
  }
}

/** Begins a list; returns the number of its elements. */
export function readListStart(): number {
  const byte = input[take(1)] as number;
  const count = byte >= tag.ARRAY && byte < tag.UNDEFINED
    ? byte - tag.ARRAY
    : byte === tag.ARRAY_LONG
    ? readCount()
    : unexpected();
  if (count > limit - at) throw malformed("it is truncated");
  return count;
}

/** Whether `null` is next; skips it if so. */
export function skipNull(): boolean {
  if (at >= limit || input[at] !== tag.NULL) return false;
  take(1);
  return true;
}

/** Whether bytes are next. */
export function isBytesNext(): boolean {
  return at < limit && input[at] === tag.WHOLE_VIEW;
}

export function readBool(): boolean {
  const byte = input[take(1)];
  return byte === tag.TRUE ? true : byte === tag.FALSE ? false : unexpected();
}

export function readNumber(): number {
  const byte = input[take(1)] as number;
  if (byte < tag.LATIN1) return byte;
  switch (byte) {
    case tag.INT8:
      return (input[take(1)] as number) << 24 >> 24;
    case tag.INT16:
      return readInt16();
    case tag.INT32:
      return readInt32();
    case tag.DOUBLE:
      return readDouble();
    default:
      return unexpected();
  }
}

export function readText(): string {
  const byte = input[take(1)] as number;
  if (byte >= tag.LATIN1 && byte < tag.OBJECT) return readLatin1(byte - tag.LATIN1);
  switch (byte) {
    case tag.LATIN1_MEDIUM:
      return readLatin1(input[take(1)] as number);
    case tag.UTF8:
      return readUtf8(readInt32() >>> 0);
    case tag.UTF16:
      return readUtf16(readCount());
    default:
      return unexpected();
  }
}

/** Bytes, which stay where they are: in the memory of the message. */
export function readBytes(): Bytes {
  if (input[take(1)] !== tag.WHOLE_VIEW) unexpected();
  if (input[take(1)] !== BYTES_VIEW || input[take(1)] !== tag.BUFFER) unexpected();
  const size = readCount();
  const start = take(size);
  return input.subarray(start, start + size);
}

/** Skips a value of any kind, without making anything of it. */
export function skipValue(depth: number = 0): void {
  if (depth > MAX_SKIPPED_DEPTH) throw malformed("it is nested too deeply");
  const byte = input[at] as number;
  if (byte === tag.NULL) return void take(1);
  if (byte === tag.TRUE || byte === tag.FALSE) return void readBool();
  if (byte === tag.WHOLE_VIEW) return void readBytes();
  if (byte >= tag.OBJECT && byte < tag.ARRAY || byte === tag.OBJECT_LONG) {
    for (let rest = readObjectStart(); rest > 0; rest--) {
      readKey();
      skipValue(depth + 1);
    }
    return;
  }
  if (byte >= tag.ARRAY && byte < tag.UNDEFINED || byte === tag.ARRAY_LONG) {
    for (let rest = readListStart(); rest > 0; rest--) skipValue(depth + 1);
    return;
  }
  if (byte < tag.LATIN1 || byte >= tag.INT8 && byte <= tag.DOUBLE) return void readNumber();
  readText();
}

function unexpected(): never {
  throw new UnexpectedValue("malformed value: it is not what is expected");
}
