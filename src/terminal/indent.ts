/** Puts an indent in front of every line of a program's output. */

import { countNewlines } from "./count_newlines.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What stands in front of each line. */
export const INDENT = "   ";

const SPACE = 0x20;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** A copy by the engine costs as much as one of this many bytes in a loop. */
const LOOP_COPY_BYTES = 64;

/**
 * Where the cursor is in its line: at its start, where nothing has been shown; behind something; or
 * back at the first column by a carriage return, so that what comes next is written over the line.
 */
export type Cursor = "start" | "inside" | "returned";

/** Where the cursor is after `bytes`, which are not empty. */
export function cursorAfter(bytes: Bytes): Cursor {
  const last = bytes[bytes.length - 1];
  return last === NEWLINE ? "start" : last === RETURN ? "returned" : "inside";
}

/**
 * `bytes` with an indent where something is shown at the first column of a line, empty lines included,
 * also where a line is written over. `\r\n` is the end of a line, and nothing is written over it.
 *
 * @param cursor Where the cursor is before `bytes`.
 * @param prefix Stands in front of the result.
 */
export function indented(bytes: Bytes, cursor: Cursor, prefix: Bytes): Bytes {
  // Carriage returns are rare, and looking for one is much cheaper than looking at every byte.
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

/** How many lines begin in `bytes`. A newline at its end begins none: nothing of the next is there. */
function countLineStarts(bytes: Bytes, startsLine: boolean): number {
  return (startsLine ? 1 : 0) + countNewlines(bytes.subarray(0, -1));
}

/** The positions in `bytes` in front of which an indent belongs. */
function indentPlaces(bytes: Bytes, cursor: Cursor): number[] {
  const places: number[] = [];
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index];
    const isReturned = cursor === "returned" && byte !== NEWLINE && byte !== RETURN;
    if (cursor === "start" || isReturned) places.push(index);
    // A return at the start of a line goes back to where the indent has been put just now.
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

/** Copies `bytes` to `target` at `position`, with an indent in front of each of `places`. */
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
