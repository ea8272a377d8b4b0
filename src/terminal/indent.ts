/** Puts an indent in front of every line of a program's output. */

import { columnsOf } from "./columns.ts";
import { countNewlines } from "./count_newlines.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The prefix of each line. */
export const INDENT = "   ";

const SPACE = 0x20;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

const decoder = new TextDecoder();

const MAX_UNFINISHED_BYTES = 4_096;

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
 * A line that is overwritten, or not finished, shows progress perhaps, in all of the width that there is. If
 * that would not fit with the indent, its indent is shorter.
 *
 * @param cursor The cursor's place before `bytes`.
 * @param prefix Prepended to the result.
 * @param columns The width of the terminal; `undefined` if there is none.
 */
export function indented(
  bytes: Bytes,
  cursor: Cursor,
  prefix: Bytes,
  columns: () => number | undefined = () => undefined,
): Bytes {
  // Carriage returns are rare, and searching for one is much cheaper than checking every byte.
  const places = cursor === "returned" || bytes.indexOf(RETURN) >= 0 || endsUnfinished(bytes)
    ? indentPlaces(bytes, cursor, columns())
    : undefined;
  const size = places?.reduce((sum, { indent }) => sum + indent, 0) ??
    INDENT.length * countLineStarts(bytes, cursor === "start");
  if (size === 0 && prefix.length === 0) return bytes;
  const shown = new Uint8Array(prefix.length + size + bytes.length);
  shown.set(prefix);
  if (places === undefined) copyLines(bytes, cursor === "start", shown, prefix.length);
  else copyAround(bytes, places, shown, prefix.length);
  return shown;
}

/** The number of lines that begin in `bytes`. A newline at its end begins none yet. */
function countLineStarts(bytes: Bytes, startsLine: boolean): number {
  return (startsLine ? 1 : 0) + countNewlines(bytes.subarray(0, -1));
}

/** Whether `bytes` end within a line, perhaps one that shows progress. More is no such line. */
function endsUnfinished(bytes: Bytes): boolean {
  return bytes.length <= MAX_UNFINISHED_BYTES && bytes[bytes.length - 1] !== NEWLINE;
}

/** Where an indent belongs, and how wide. */
interface IndentPlace {
  /** The index of the byte after it. */
  readonly index: number;
  readonly indent: number;
}

/** The places in `bytes` where an indent belongs, in order. */
function indentPlaces(bytes: Bytes, cursor: Cursor, columns: number | undefined): IndentPlace[] {
  const places: IndentPlace[] = [];
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index];
    const isReturned = cursor === "returned" && byte !== NEWLINE && byte !== RETURN;
    if (cursor === "start" || isReturned) {
      places.push({ index, indent: indentFor(bytes, index, isReturned, columns) });
    }
    // A return at the start of a line goes back over the indent that was just written.
    cursor = byte === NEWLINE ? "start" : byte === RETURN ? "returned" : "inside";
  }
  return places;
}

/** The indent of the line that begins at `start`, or is overwritten from there on. */
function indentFor(
  bytes: Bytes,
  start: number,
  isReturned: boolean,
  columns: number | undefined,
): number {
  if (columns === undefined) return INDENT.length;
  let end = start;
  while (end < bytes.length && bytes[end] !== NEWLINE && bytes[end] !== RETURN) end++;
  const isWhole = bytes[end] === NEWLINE || (bytes[end] === RETURN && bytes[end + 1] === NEWLINE);
  // A character takes at most as many columns as it has bytes.
  if ((isWhole && !isReturned) || end - start <= columns - INDENT.length) return INDENT.length;
  const width = columnsOf(decoder.decode(bytes.subarray(start, end)));
  // A longer line does not fit anyway.
  return width > columns ? INDENT.length : Math.min(INDENT.length, columns - width);
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

/** Copies `bytes` to `target` at `position`, with an indent at each of `places`. */
function copyAround(
  bytes: Bytes,
  places: readonly IndentPlace[],
  target: Bytes,
  position: number,
): void {
  let start = 0;
  for (const { index, indent } of places) {
    target.set(bytes.subarray(start, index), position);
    position += index - start;
    target.fill(SPACE, position, position + indent);
    position += indent;
    start = index;
  }
  target.set(bytes.subarray(start), position);
}
