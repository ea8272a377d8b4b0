/**
 * The bytes of a message: a part of the format of the value codec, of plain objects and lists, texts,
 * numbers, booleans, null and bytes. Nothing in it refers to something else in it.
 */

import {
  closeBuffer,
  limit,
  openBuffer,
  out,
  reserve,
  restoreOutput,
  saveOutput,
  takeBuffer,
  writeCount,
  writeKey,
  writeNumber,
  writeString,
  writeTag,
} from "../codec/value_output.ts";
import * as tag from "../codec/value_tags.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const BYTES_VIEW = tag.VIEWS.indexOf("Uint8Array");

/**
 * Returns the bytes of a message, with `type` as its first property, and with at least `front` bytes before them in their buffer. A property that
 * is `undefined` is left out. Of views, only the viewed bytes are written.
 *
 * @throws {TypeError} If the message holds something that is not plain.
 */
export function encodePlain(message: { readonly type: string }, front: number): Bytes {
  return encoded(front, (at) => {
    const { type, ...fields } = message;
    return writeFields({ type, ...fields }, 0, at);
  });
}

/** The bytes of what `write` writes from a place on; it returns where that ends. */
function encoded(front: number, write: (at: number) => number): Bytes {
  // A getter of a value that is being encoded may send a message.
  const outer = saveOutput();
  openBuffer();
  try {
    return takeBuffer(write(writeTag(tag.PLAIN, front))).subarray(front);
  } finally {
    closeBuffer();
    restoreOutput(outer);
  }
}

/**
 * The same for a message with a last property `name` of `size` bytes, which follow what is returned.
 *
 * @throws {TypeError} If the message holds something that is not plain.
 */
export function encodePlainBefore(
  message: { readonly type: string },
  name: string,
  size: number,
  front: number,
): Bytes {
  return encoded(front, (at) => {
    const { type, ...fields } = message;
    const end = writeKey(name, writeFields({ type, ...fields }, 1, at));
    return writeBytesStart(size, end);
  });
}

function write(value: unknown, at: number): number {
  if (at > limit) reserve(at, 0);
  if (typeof value === "string") return writeString(value, at);
  if (typeof value === "number") return writeNumber(value, at);
  if (typeof value === "boolean") return writeTag(value ? tag.TRUE : tag.FALSE, at);
  if (value === null) return writeTag(tag.NULL, at);
  if (value instanceof Uint8Array) return writeBytes(value, at);
  if (Array.isArray(value)) return writeList(value, at);
  if (typeof value === "object") return writeObject(value as Record<string, unknown>, at);
  throw new TypeError(`Cannot send a ${typeof value} in a message`);
}

function writeObject(value: Readonly<Record<string, unknown>>, at: number): number {
  return writeFields(value, 0, at);
}

/** An object of these fields, and of so `many` that follow. */
function writeFields(value: Readonly<Record<string, unknown>>, many: number, at: number): number {
  let keys = Object.keys(value);
  if (keys.some((key) => value[key] === undefined)) {
    keys = keys.filter((key) => value[key] !== undefined);
  }
  const count = keys.length + many;
  at = count < 16
    ? writeTag(tag.OBJECT + count, at)
    : writeCount(count, writeTag(tag.OBJECT_LONG, at));
  for (const key of keys) at = write(value[key], writeKey(key, at));
  return at;
}

function writeList(value: readonly unknown[], at: number): number {
  at = value.length < 16
    ? writeTag(tag.ARRAY + value.length, at)
    : writeCount(value.length, writeTag(tag.ARRAY_LONG, at));
  for (const each of value) at = write(each, at);
  return at;
}

function writeBytesStart(size: number, at: number): number {
  return writeCount(size, writeTag(tag.BUFFER, writeTag(BYTES_VIEW, writeTag(tag.WHOLE_VIEW, at))));
}

function writeBytes(value: Uint8Array, at: number): number {
  at = writeBytesStart(value.length, at);
  if (at + value.length > out.length) reserve(at, value.length);
  out.set(value, at);
  return at + value.length;
}
