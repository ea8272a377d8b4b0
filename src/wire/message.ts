/**
 * The bytes of the messages of control links and cluster links.
 *
 * A message is a 4-byte big-endian length and a body of that many bytes: one object, whose first property,
 * `type`, says which message it is. It is a part of the format of the value codec: plain objects and lists, texts,
 * numbers, booleans, null and bytes. Nothing in it refers to something else in it. Every message is decoded and checked field by field, as its schema says.
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
import { ProtocolError } from "../core/errors.ts";
import { KiB, MiB } from "../core/resources.ts";
import { peekType } from "./plain_input.ts";
import { decodeBySchema, maxBytesOf, type Schema, type Shapes } from "./schema.ts";
import * as tag from "../codec/value_tags.ts";

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

type Bytes = Uint8Array<ArrayBuffer>;

/** The largest message. Only a spawn's argument comes close to it. */
export const MAX_MESSAGE_BYTES = 256 * MiB;

/** A message of this size may be of any type: only a larger one is refused before all of it has arrived. */
const SMALL_BYTES = 64 * KiB;

/** Memory for a message grows from this size, as its bytes arrive. */
const FIRST_BYTES = 512 * KiB;

const LENGTH_BYTES = 4;

/** Returns the bytes of one message, preceded by its length. Of views, only the viewed bytes are written. */
export function encodeMessage<Message extends { readonly type: string }>(message: Message): Bytes {
  return framed(encodeBody(message));
}

/** A smaller argument is copied faster than it is sent by itself. */
const LARGE_ARG_BYTES = 64 * KiB;

/**
 * As {@linkcode encodeMessage}, for a message of a process or its node, in parts, to be sent one after the
 * other: a large argument is one of them, and not copied.
 */
export function messageParts(message: { readonly type: string; readonly arg?: Bytes }): Bytes[] {
  if (message.arg === undefined || message.arg.length < LARGE_ARG_BYTES) {
    return [encodeMessage(message)];
  }
  const { arg, ...rest } = message;
  const start = encodePlainBefore(rest, "arg", arg.length, LENGTH_BYTES);
  checkLength(start.length + arg.length);
  const header = new Uint8Array(start.buffer, start.byteOffset - LENGTH_BYTES, LENGTH_BYTES);
  new DataView(header.buffer, header.byteOffset).setUint32(0, start.length + arg.length);
  return [new Uint8Array(start.buffer, header.byteOffset, LENGTH_BYTES + start.length), arg];
}

/** Returns the body of a message, with room for its length in front of it: see {@linkcode framed}. */
export function encodeBody<Message extends { readonly type: string }>(message: Message): Bytes {
  const body = encodePlain(message, LENGTH_BYTES);
  checkLength(body.length);
  return body;
}

function checkLength(length: number): void {
  if (length <= MAX_MESSAGE_BYTES) return;
  throw new RangeError(
    `Cannot send a message of ${length} bytes: ` +
      `at most ${MAX_MESSAGE_BYTES} are allowed; send large values over a channel`,
  );
}

/**
 * Returns the bytes of the message with that body, preceded by its length, without a copy. `body` comes
 * from {@linkcode encodeBody} or {@linkcode MessageDecoder}.
 */
export function framed(body: Bytes): Bytes {
  const start = body.byteOffset - LENGTH_BYTES;
  new DataView(body.buffer).setUint32(start, body.length);
  return new Uint8Array(body.buffer, start, LENGTH_BYTES + body.length);
}

/**
 * Decodes a body as a message of `schema`. Bytes in it are views of `body`, which they keep alive.
 *
 * @throws {ProtocolError} If it is not one.
 */
export function decodeMessage<Message extends { type: string }>(
  schema: Schema<Message>,
  body: Bytes,
): Message {
  return decodeBySchema(schema, body);
}

/** Splits a stream of bytes, received in any pieces, into the bodies of messages. */
export class MessageDecoder {
  #header = new Uint8Array(LENGTH_BYTES);
  #headerFilled = 0;
  /** The body that arrives: its memory grows up to `#length`. */
  #body: Bytes | undefined;
  #length = 0;
  #filled = 0;
  #checkedType = false;
  readonly #messages: Readonly<Record<string, Shapes>> | undefined;
  /** The largest body that is accepted; a larger one is refused before anything is allocated. */
  maxBytes: number;

  /** `messages` is the schema, which limits the size of messages of each type. */
  constructor(
    { messages, maxBytes = MAX_MESSAGE_BYTES }: {
      messages?: Readonly<Record<string, Shapes>>;
      maxBytes?: number;
    } = {},
  ) {
    this.#messages = messages;
    this.maxBytes = maxBytes;
  }

  /**
   * Takes the next bytes of the stream; yields each body that they complete. Each body has its own memory,
   * with room for its length in front of it.
   *
   * @throws {ProtocolError} If a message is larger than `maxBytes`, or than one of its type can be.
   */
  *push(chunk: Uint8Array): Generator<Bytes> {
    let position = 0;
    while (position < chunk.length) {
      // Also for a message without a body, which is complete with its header.
      if (this.#body === undefined) {
        const part = chunk.subarray(position, position + LENGTH_BYTES - this.#headerFilled);
        this.#header.set(part, this.#headerFilled);
        this.#headerFilled += part.length;
        position += part.length;
        if (this.#headerFilled < LENGTH_BYTES) return;
        this.#begin(new DataView(this.#header.buffer).getUint32(0));
      }
      const part = chunk.subarray(position, position + this.#length - this.#filled);
      this.#append(part);
      position += part.length;
      if (this.#filled < this.#length) return;
      yield this.#take();
    }
  }

  #begin(length: number): void {
    if (length > this.maxBytes) throw tooLarge("a message", length, this.maxBytes);
    this.#length = length;
    this.#filled = 0;
    this.#checkedType = this.#messages === undefined || length <= SMALL_BYTES;
    this.#body = bodyOf(Math.min(length, FIRST_BYTES));
  }

  #append(part: Uint8Array): void {
    const end = this.#filled + part.length;
    let body = this.#body as Bytes;
    if (end > body.length) {
      const length = Math.min(this.#length, Math.max(2 * body.length, end));
      // The smaller one is free at once, and not when there is a collection.
      const larger = body.buffer.transfer(LENGTH_BYTES + length);
      body = this.#body = new Uint8Array(larger, LENGTH_BYTES);
    }
    body.set(part, this.#filled);
    this.#filled = end;
    if (!this.#checkedType) this.#checkType(body.subarray(0, end));
  }

  /** Checks the size of a message against its type, once enough of it has arrived. */
  #checkType(begun: Bytes): void {
    const type = peekType(begun);
    if (type === undefined) return;
    const most = Math.max(SMALL_BYTES, maxBytesOf(this.#messages!, type));
    if (this.#length > most) throw tooLarge(`a message "${type}"`, this.#length, most);
    this.#checkedType = true;
  }

  #take(): Bytes {
    const body = this.#body as Bytes;
    this.#body = undefined;
    this.#headerFilled = 0;
    return body;
  }
}

/** Memory for a body, with its length in front, so that it can be forwarded unchanged. */
function bodyOf(length: number): Bytes {
  return new Uint8Array(LENGTH_BYTES + length).subarray(LENGTH_BYTES);
}

function tooLarge(what: string, length: number, limit: number): ProtocolError {
  return new ProtocolError(`${what} of ${length} bytes; the limit is ${limit}`);
}
