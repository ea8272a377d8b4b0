/** What of a program's output is passed on to a terminal: its text, its colours, and changes to its own line. */

import { columnsOf } from "./columns.ts";
import { Style } from "./style.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const BELL = 0x07;
const BACKSPACE = 0x08;
const NEWLINE = 0x0a;
const VERTICAL_TAB = 0x0b;
const FORM_FEED = 0x0c;
const RETURN = 0x0d;
const CANCEL = 0x18;
const SUBSTITUTE = 0x1a;
const ESCAPE = 0x1b;
const BACKSLASH = 0x5c;
/** The first byte of U+0080 to U+00BF: the first half of these are the controls of the second set. */
const HIGH = 0xc2;

/** The bytes that are looked at; all others are text. */
const SPECIAL = new Uint8Array(256);
for (let byte = 0; byte < 0x20; byte++) SPECIAL[byte] = 1;
for (const byte of [0x7f, HIGH]) SPECIAL[byte] = 1;
for (const byte of [BELL, 0x09, NEWLINE, RETURN]) SPECIAL[byte] = 0;

/** Parameters of colours, and numbers of columns. */
const STYLE = /^[\d;:]{0,64}$/;
const COUNT = /^\d{0,4}$/;

/** How much of a line without an end is measured: more is wrapped in any case. */
const MAX_MEASURED = 4_096;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** How a {@linkcode TerminalFilter} works. */
export interface TerminalFilterOptions {
  /**
   * Whether a line may be written over. If not, a carriage return begins a new line, and the cursor is not
   * moved.
   */
  readonly rewrites: boolean;
  /** The number of columns that a line has, behind its indent. @default 80 */
  readonly columns?: () => number | undefined;
}

/**
 * Filters one stream of a process. What passes can change nothing but the line that it is on:
 *
 * - text, newlines, tabs, the bell; colours and other attributes of text, which end with each piece and begin
 *   anew with the next, so that text of others in between has none of them;
 * - where lines may be written over: returns, backspaces and the cursor's movements within what was written of
 *   the line, and erasing, deleting and inserting in it. A column is counted from behind the indent.
 *
 * All else is left out: other movements, screens, scrolling, modes, titles, links, the clipboard, and questions
 * that the terminal answers as if somebody typed. Pieces must not cut a character, nor a sequence of less than 4
 * KiB.
 */
export class TerminalFilter {
  readonly #rewrites: boolean;
  readonly #columns: () => number | undefined;
  readonly #style = new Style();
  /** Whether a string, such as a title, has begun in an earlier piece and is being left out. */
  #inString = false;
  /** No more than the columns from the start of the line to the cursor. */
  #column = 0;
  #parts: Bytes[] = [];

  constructor({ rewrites, columns = () => undefined }: TerminalFilterOptions) {
    this.#rewrites = rewrites;
    this.#columns = columns;
  }

  /** What of a piece is passed on: `bytes` itself, if that is all of it. */
  pass(bytes: Bytes): Bytes {
    if (!this.#inString && this.#style.sequence === "" && !this.#isSpecial(bytes)) {
      this.#advance(bytes);
      return bytes;
    }
    this.#parts = [];
    const isStyled = this.#style.sequence !== "";
    this.#put(this.#style.sequence);
    let start = this.#inString ? this.#endString(bytes, 0) : 0;
    for (let index = start; index < bytes.length;) {
      if (!this.#isSpecialAt(bytes, index)) {
        index++;
        continue;
      }
      this.#text(bytes.subarray(start, index));
      start = index = this.#special(bytes, index);
    }
    this.#text(bytes.subarray(start));
    if (this.#parts.length === Number(isStyled)) return bytes.subarray(0, 0);
    return joined(this.#parts, this.#style.sequence === "" ? "" : "\x1b[0m");
  }

  #isSpecial(bytes: Bytes): boolean {
    for (let index = 0; index < bytes.length; index++) {
      if (SPECIAL[bytes[index]!] === 1) return true;
    }
    return !this.#rewrites && bytes.includes(RETURN);
  }

  #isSpecialAt(bytes: Bytes, index: number): boolean {
    const byte = bytes[index]!;
    return SPECIAL[byte] === 1 || (byte === RETURN && !this.#rewrites);
  }

  /** Handles what begins at `index`; returns where the rest begins. */
  #special(bytes: Bytes, index: number): number {
    const next = bytes[index + 1];
    switch (bytes[index]) {
      case ESCAPE:
        return this.#sequence(bytes, index);
      case HIGH:
        if (next !== undefined && next <= 0x9f) return index + 2;
        this.#text(bytes.subarray(index, index + 2));
        return index + 2;
      case BACKSPACE:
        if (this.#rewrites) this.#back(1, "\b");
        return index + 1;
      case RETURN:
        if (next === NEWLINE) {
          this.#text(bytes.subarray(index, index + 2));
          return index + 2;
        }
        this.#newline();
        return index + 1;
      case VERTICAL_TAB:
      case FORM_FEED:
        this.#newline();
        return index + 1;
      default:
        return index + 1;
    }
  }

  /** An escape sequence. */
  #sequence(bytes: Bytes, start: number): number {
    const kind = bytes[start + 1];
    if (kind === undefined) return start + 1;
    switch (String.fromCharCode(kind)) {
      case "[": {
        const end = skip(bytes, start + 2, 0x20, 0x40);
        const final = bytes[end];
        if (final === undefined || final < 0x40 || final > 0x7e) return end;
        const parameters = decoder.decode(bytes.subarray(start + 2, end));
        this.#control(String.fromCharCode(final), parameters);
        return end + 1;
      }
      case "]":
      case "P":
      case "X":
      case "^":
      case "_":
        return this.#endString(bytes, start + 2);
      default: {
        const end = skip(bytes, start + 1, 0x20, 0x30);
        return isBetween(bytes[end], 0x30, 0x7e) ? end + 1 : end;
      }
    }
  }

  /** A sequence that begins with `ESC [`. */
  #control(final: string, parameters: string): void {
    if (final === "m" && STYLE.test(parameters)) {
      this.#style.take(parameters);
      return this.#put(`\x1b[${parameters}m`);
    }
    if (!this.#rewrites || !COUNT.test(parameters)) return;
    const count = Math.max(1, Number(parameters));
    switch (final) {
      case "K":
      case "P":
      case "X":
      case "@":
        return this.#put(`\x1b[${parameters}${final}`);
      case "C":
        this.#put(`\x1b[${count}C`);
        return this.#forward(count);
      case "D":
        return this.#back(count, `\x1b[${Math.min(count, this.#column)}D`);
      case "G":
      case "`":
        this.#put("\r");
        this.#column = 0;
        if (count > 1) this.#control("C", `${count - 1}`);
    }
  }

  /** The end of a string that began before `start`; all is left out until it comes. */
  #endString(bytes: Bytes, start: number): number {
    for (let index = start; index < bytes.length; index++) {
      const byte = bytes[index];
      if (byte === BELL || byte === CANCEL || byte === SUBSTITUTE || byte === ESCAPE) {
        this.#inString = false;
        // Another sequence begins where this one is not terminated.
        if (byte === ESCAPE) return bytes[index + 1] === BACKSLASH ? index + 2 : index;
        return index + 1;
      }
      // Whole lines stay whole.
      if (byte === NEWLINE && !this.#rewrites) {
        this.#inString = false;
        return index;
      }
    }
    this.#inString = true;
    return bytes.length;
  }

  #text(bytes: Bytes): void {
    if (bytes.length === 0) return;
    this.#parts.push(bytes);
    this.#advance(bytes);
  }

  #newline(): void {
    this.#put("\n");
    this.#column = 0;
  }

  #put(text: string): void {
    if (text !== "") this.#parts.push(encoder.encode(text));
  }

  /** Moves the cursor back by at most what there is of the line; `text` does that. */
  #back(count: number, text: string): void {
    if (this.#column === 0) return;
    this.#column = Math.max(0, this.#column - count);
    this.#put(text);
  }

  /** The terminal moves the cursor no further than to its last column. */
  #forward(count: number): void {
    const last = (this.#columns() ?? 80) - 1;
    this.#column = Math.max(this.#column, Math.min(this.#column + count, last));
  }

  /** Text was written. */
  #advance(bytes: Bytes): void {
    const from = 1 + Math.max(bytes.lastIndexOf(NEWLINE), bytes.lastIndexOf(RETURN));
    if (from > 0) this.#column = 0;
    const line = bytes.subarray(Math.max(from, bytes.length - MAX_MEASURED));
    if (line.length > 0) this.#column += columnsOf(decoder.decode(line));
  }
}

/** The first index from `start` on where no byte from `least` on and below `most` is. */
function skip(bytes: Bytes, start: number, least: number, most: number): number {
  let index = start;
  while (index < bytes.length && bytes[index]! >= least && bytes[index]! < most) index++;
  return index;
}

function isBetween(byte: number | undefined, least: number, most: number): boolean {
  return byte !== undefined && byte >= least && byte <= most;
}

/** All parts as one, with `end` in front of the newline or return that they end with. */
function joined(parts: readonly Bytes[], end: string): Bytes {
  const size = parts.reduce((sum, { length }) => sum + length, 0);
  const all = new Uint8Array(size + end.length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  if (end === "") return all;
  let rest = size;
  while (rest > 0 && (all[rest - 1] === NEWLINE || all[rest - 1] === RETURN)) rest--;
  all.copyWithin(rest + end.length, rest, size);
  all.set(encoder.encode(end), rest);
  return all;
}
