/** Escape sequences that were split by a read: another process's line between the halves would be part of them. */

import { cutLength } from "./cut_characters.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const ESCAPE = 0x1b;
const BELL = 0x07;
const BACKSLASH = 0x5c;

/** A longer sequence is not one: this much of one is held back for each stream of each process. */
export const MAX_SEQUENCE_BYTES = 4_096;

/** The length of the incomplete escape sequence or character at the end of `bytes`. */
export function cutSequenceLength(bytes: Bytes): number {
  const from = Math.max(0, bytes.length - MAX_SEQUENCE_BYTES);
  // Nearly all output has none.
  if (bytes.lastIndexOf(ESCAPE) < from) return cutLength(bytes);
  for (let start = bytes.indexOf(ESCAPE, from); start >= 0;) {
    const end = sequenceEnd(bytes, start);
    if (end === undefined) return bytes.length - start;
    start = bytes.indexOf(ESCAPE, end);
  }
  return cutLength(bytes);
}

/** Where the sequence that begins at `start` ends; `undefined` if it is incomplete. */
function sequenceEnd(bytes: Bytes, start: number): number | undefined {
  const kind = bytes[start + 1];
  if (kind === undefined) return undefined;
  switch (String.fromCharCode(kind)) {
    case "[":
      return finalByte(bytes, start + 2, 0x20, 0x40);
    case "]":
    case "P":
    case "X":
    case "^":
    case "_":
      return stringEnd(bytes, start + 2);
    default:
      return finalByte(bytes, start + 1, 0x20, 0x30);
  }
}

/** The end of bytes from `least` on, below `final`, and one that is not; a control character ends them, too. */
function finalByte(
  bytes: Bytes,
  start: number,
  least: number,
  final: number,
): number | undefined {
  for (let index = start; index < bytes.length; index++) {
    const byte = bytes[index]!;
    if (byte < least) return index;
    if (byte >= final) return index + 1;
  }
  return undefined;
}

/** The end of a title, a link or the like, which BEL or ESC \ terminates. */
function stringEnd(bytes: Bytes, start: number): number | undefined {
  for (let index = start; index < bytes.length; index++) {
    if (bytes[index] === BELL) return index + 1;
    if (bytes[index] !== ESCAPE) continue;
    if (bytes[index + 1] === undefined) return undefined;
    // Another sequence begins where this one is not terminated.
    return bytes[index + 1] === BACKSLASH ? index + 2 : index;
  }
  return undefined;
}
