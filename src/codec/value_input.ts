/**
 * The input of the value codec, and the decoding of what contains no other values.
 *
 * Every length is checked against the remaining bytes before anything is allocated, and arrays with holes
 * take no more memory than the message. The state is in variables of the module rather than in an object:
 * this is the innermost loop of every channel.
 */

import { ProtocolError } from "../core/errors.ts";
import * as tag from "./value_tags.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const EMPTY: Bytes = new Uint8Array(0);

export let input: Bytes = EMPTY;
/** The position of the next byte. */
export let at = 0;
/** The end of the message. */
export let limit = 0;
/** `input` as a `DataView`, created on demand. */
let view: DataView | undefined;

/** A larger input is released after a call. */
const KEPT_BYTES = 1 << 20;

/** Sets the input to `bytes`, from `start` to `end`. */
export function openInput(bytes: Bytes, start: number, end: number): void {
  if (input !== bytes) {
    input = bytes;
    view = undefined;
  }
  at = start;
  limit = end;
}

/** Releases a large input. */
export function closeInput(): void {
  if (input.length > KEPT_BYTES) openInput(EMPTY, 0, 0);
}

/** Whether `END` is next; skips it if so. */
export function ended(): boolean {
  if (at >= limit || input[at] !== tag.END) return false;
  at++;
  return true;
}

/** The error for input that the encoder does not write. */
export function malformed(what: string, cause?: unknown): ProtocolError {
  return new ProtocolError(`malformed value: ${what}`, cause === undefined ? {} : { cause });
}

/** Takes the next `size` bytes; returns the position of the first. */
export function take(size: number): number {
  const start = at;
  if (size > limit - start) throw malformed("it is truncated");
  at = start + size;
  return start;
}

export function readInt16(): number {
  const start = take(2);
  return ((input[start] as number) | (input[start + 1] as number) << 8) << 16 >> 16;
}

export function readInt32(): number {
  const start = take(4);
  return (input[start] as number) | (input[start + 1] as number) << 8 |
    (input[start + 2] as number) << 16 | (input[start + 3] as number) << 24;
}

export function readDouble(): number {
  const start = take(8);
  view ??= new DataView(input.buffer, input.byteOffset, input.length);
  return view.getFloat64(start, true);
}

export function readBigInt64(): bigint {
  const low = readInt32();
  return BigInt(readInt32()) << 32n | BigInt(low >>> 0);
}

/**
 * Reads the numbers that an array begins with, at most `length`, and returns how many there are.
 *
 * A separate loop: it saves a call for each number, and a boxed number for most.
 */
export function readNumbers(array: unknown[], length: number): number {
  const bytes = input;
  const end = limit;
  let position = at;
  let index = 0;
  for (; index < length && position < end; index++) {
    const byte = bytes[position] as number;
    if (byte < tag.LATIN1) {
      array[index] = byte;
      position++;
    } else if (byte === tag.INT16 && position + 3 <= end) {
      array[index] =
        ((bytes[position + 1] as number) | (bytes[position + 2] as number) << 8) << 16 >> 16;
      position += 3;
    } else if (byte === tag.DOUBLE && position + 9 <= end) {
      view ??= new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      array[index] = view.getFloat64(position + 1, true);
      position += 9;
    } else {
      break;
    }
  }
  at = position;
  return index;
}

export function readCount(): number {
  let value = 0;
  for (let unit = 1; unit <= 2 ** 49; unit *= 0x80) {
    const byte = input[take(1)] as number;
    if (byte < 0x80) {
      value += byte * unit;
      if (value > Number.MAX_SAFE_INTEGER) break;
      return value;
    }
    value += (byte - 0x80) * unit;
  }
  throw malformed("a count is too large");
}

/** For each short length, an array for the arguments of `String.fromCharCode`. */
const codes: number[][] = [];

export function readLatin1(length: number): string {
  const start = take(length);
  if (length === 0) return "";
  if (length === 1) return String.fromCharCode(input[start] as number);
  const scratch = codes[length] ??= new Array<number>(length).fill(0);
  for (let index = 0; index < length; index++) scratch[index] = input[start + index] as number;
  return String.fromCharCode.apply(null, scratch);
}

let decoder: TextDecoder | undefined;

export function readUtf8(size: number): string {
  const start = take(size);
  const bytes = input.subarray(start, start + size);
  // Several times as fast as a fatal decoder, which is used only if something was replaced.
  decoder ??= new TextDecoder("utf-8", { ignoreBOM: true });
  const text = decoder.decode(bytes);
  if (!text.includes("\ufffd")) return text;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw malformed("a string is not UTF-8", cause);
  }
}

/** The number of arguments that is safe to pass to a function. */
const PIECE = 4096;

export function readUtf16(length: number): string {
  let start = take(length * 2);
  let text = "";
  for (let rest = length; rest > 0; rest -= PIECE) {
    const piece = new Array<number>(Math.min(rest, PIECE));
    for (let index = 0; index < piece.length; index++, start += 2) {
      piece[index] = (input[start] as number) | (input[start + 1] as number) << 8;
    }
    text += String.fromCharCode.apply(null, piece);
  }
  return text;
}

/** A cache of recent keys, by a hash of their bytes: most messages have the same ones. */
const keys: (string | undefined)[] = new Array(256);

/** Longer keys are not cached. */
const REMEMBERED_BYTES = 32;

/** The name of a property, or `undefined` if it is the string value that follows. */
export function readShortKey(): string | undefined {
  const length = input[take(1)] as number;
  if (length > tag.MAX_KEY_BYTES) {
    if (length !== tag.LONG_KEY) throw malformed("a key is too long");
    return undefined;
  }
  const start = take(length);
  if (length === 0 || length > REMEMBERED_BYTES) {
    at = start;
    return readLatin1(length);
  }
  const hash = (length * 7 + (input[start] as number) * 31 +
    (input[start + length - 1] as number) * 17 + (input[start + (length >> 1)] as number) * 5) &
    255;
  const key = keys[hash];
  if (key !== undefined && key.length === length) {
    let index = 0;
    while (index < length && key.charCodeAt(index) === input[start + index]) index++;
    if (index === length) return key;
  }
  at = start;
  // The engine compares names of properties by identity.
  const fresh = Object.keys({ [readLatin1(length)]: 0 })[0] as string;
  keys[hash] = fresh;
  return fresh;
}

/** The integer with these hexadecimal digits, perhaps after a `-`. */
export function bigIntOf(text: string): bigint {
  const digits = text.startsWith("-") ? text.slice(1) : text;
  if (!/^[0-9a-f]+$/.test(digits)) throw malformed("a bigint has invalid digits");
  try {
    const value = BigInt(`0x${digits}`);
    return digits === text ? value : -value;
  } catch (cause) {
    throw malformed("a bigint is too large", cause);
  }
}

/** The regular expression with this source. */
export function regExpOf(source: string, flags: string): RegExp {
  try {
    return new RegExp(source, flags);
  } catch (cause) {
    throw malformed("a regular expression is not valid", cause);
  }
}

/** The longest gap in an array that takes memory; beyond it, the engine uses a sparse table. */
const MAX_FAST_GAP = 1024;

/** Makes room for holes, which must not take more memory than the message did. */
export function setLength(array: unknown[], length: number): void {
  // The engine turns an array this long into a sparse table, and keeps it so.
  if (length - array.length > MAX_FAST_GAP) array.length = 2 ** 32 - 1;
  array.length = length;
}
