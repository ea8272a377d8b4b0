/** Puts an indent in front of every line of a program's output. */

import { countNewlines } from "./count_newlines.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The prefix of each line. */
export const INDENT = "   ";

const SPACE = 0x20;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** A copy by the engine costs as much as copying this many bytes in a loop. */
const LOOP_COPY_BYTES = 64;

/**
 * The cursor's place in its line: at its start, with nothing shown; after something; or
 * back at the first column after a carriage return, so that the next bytes overwrite the line.
 */
export type Cursor = "start" | "inside" | "returned";

/** The cursor's place after `bytes`, which are not empty. */
export function cursorAfter(bytes: Bytes): Cursor {
  const last = bytes[bytes.length - 1];
  return last === NEWLINE ? "start" : last === RETURN ? "returned" : "inside";
}

/**
 * `bytes` with an indent at the first column of each line, including empty lines
 * and lines that are overwritten. `\r\n` is the end of a line and overwrites nothing.
 *
 * @param cursor The cursor's place before `bytes`.
 * @param prefix Prepended to the result.
 */
export function indented(bytes: Bytes, cursor: Cursor, prefix: Bytes): Bytes {
  // Carriage returns are rare, and searching for one is much cheaper than checking every byte.
  const places = cursor === "returned" || bytes.indexOf(RETURN) >= 0
    ? indentPlaces(bytes, cursor)
    : undefined;
  const count = places?.length ?? countLineStarts(bytes, cursor === "start");
  if (count === 0 && prefix.length === 0) return bytes;
  const shown = new Uint8Array(prefix.length + INDENT.length * count + bytes.length);
  shown.set(prefix);
  if (places === undefined) copyLines(bytes, cursor === "start", shown, prefix.length);
  else copyAround(bytes, places, shown, prefix.length);
  return shown;
}

/** The number of lines that begin in `bytes`. A newline at its end begins none yet. */
function countLineStarts(bytes: Bytes, startsLine: boolean): number {
  return (startsLine ? 1 : 0) + countNewlines(bytes.subarray(0, -1));
}

/** The positions in `bytes` before which an indent belongs. */
function indentPlaces(bytes: Bytes, cursor: Cursor): number[] {
  const places: number[] = [];
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index];
    const isReturned = cursor === "returned" && byte !== NEWLINE && byte !== RETURN;
    if (cursor === "start" || isReturned) places.push(index);
    // A return at the start of a line goes back over the indent that was just written.
    cursor = byte === NEWLINE ? "start" : byte === RETURN ? "returned" : "inside";
  }
  return places;
}

/** Copies `bytes` to `target` at `position`, with an indent where a line begins. */
function copyLines(bytes: Bytes, startsLine: boolean, target: Bytes, position: number): void {
  let indent = startsLine;
  for (let start = 0; start < bytes.length;) {
    let end = start;
    while (end < bytes.length && bytes[end] !== NEWLINE) end++;
    if (end < bytes.length) end++;
    if (indent) {
      for (let count = 0; count < INDENT.length; count++) target[position++] = SPACE;
    }
    if (end - start < LOOP_COPY_BYTES) {
      for (let index = start; index < end; index++) target[position++] = bytes[index] ?? 0;
    } else {
      target.set(bytes.subarray(start, end), position);
      position += end - start;
    }
    start = end;
    indent = true;
  }
}

/** Copies `bytes` to `target` at `position`, with an indent before each of `places`. */
function copyAround(
  bytes: Bytes,
  places: readonly number[],
  target: Bytes,
  position: number,
): void {
  let start = 0;
  for (const place of places) {
    target.set(bytes.subarray(start, place), position);
    position += place - start;
    target.fill(SPACE, position, position + INDENT.length);
    position += INDENT.length;
    start = place;
  }
  target.set(bytes.subarray(start), position);
}
