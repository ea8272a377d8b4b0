/** The mappings of a source map: where a place in the code comes from, and how they follow an edit. */

import type { MappedCode } from "./source_map.ts";

/** A place in a source. Lines and columns begin at 0. */
export interface Origin {
  /** The source's index in the map. */
  readonly source: number;
  readonly line: number;
  readonly column: number;
}

/** Replaces the characters from `start` to `end` by `text`; there is no line break in either. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const VALUES = new Uint8Array(128);
for (const [value, digit] of Array.from(DIGITS).entries()) VALUES[digit.charCodeAt(0)] = value;

const SEMICOLON = ";".charCodeAt(0);
const COMMA = ",".charCodeAt(0);

/** The offset at which each line of `code` begins. */
export function lineStarts(code: string): number[] {
  const starts = [0];
  for (let at = code.indexOf("\n"); at >= 0; at = code.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

/** The mappings of a bundle, for looking up. */
export class Mappings {
  readonly #starts: readonly number[];
  /** The offset in the code of each mapped place, in order. */
  readonly #offsets: number[] = [];
  /** Three numbers for each: source, line, column. */
  readonly #origins: number[] = [];

  constructor({ code, map }: MappedCode) {
    this.#starts = lineStarts(code);
    const { mappings } = map;
    const previous = [0, 0, 0, 0];
    let [line, field, value, shift] = [0, 0, 0, 0];
    const fields = [0, 0, 0, 0, 0];
    const add = (): void => {
      if (field > 0) previous[0]! += fields[0]!;
      if (field >= 4) {
        for (let index = 1; index < 4; index++) previous[index]! += fields[index]!;
        this.#offsets.push((this.#starts[line] ?? code.length) + previous[0]!);
        this.#origins.push(previous[1]!, previous[2]!, previous[3]!);
      }
      field = 0;
    };
    for (let at = 0; at < mappings.length; at++) {
      const char = mappings.charCodeAt(at);
      if (char === COMMA || char === SEMICOLON) {
        add();
        if (char === COMMA) continue;
        line++;
        previous[0] = 0;
        continue;
      }
      const digit = VALUES[char]!;
      value += (digit & 31) << shift;
      shift += 5;
      if ((digit & 32) !== 0) continue;
      fields[field++] = (value & 1) !== 0 ? -(value >>> 1) : value >>> 1;
      [value, shift] = [0, 0];
    }
    add();
  }

  /** The origin of the last mapped place at or before `offset`. */
  before(offset: number): Origin | undefined {
    return this.#origin(this.#count(offset) - 1);
  }

  /** The origin of the first mapped place at or after `offset`. */
  after(offset: number): Origin | undefined {
    return this.#origin(this.#count(offset - 1));
  }

  /** The origin of exactly this place, if it is mapped. */
  at(offset: number): Origin | undefined {
    const index = this.#count(offset) - 1;
    return this.#offsets[index] === offset ? this.#origin(index) : undefined;
  }

  /** How many mapped places are at or before `offset`. */
  #count(offset: number): number {
    let [low, high] = [0, this.#offsets.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#offsets[middle]! <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #origin(index: number): Origin | undefined {
    const [source, line, column] = this.#origins.slice(index * 3, index * 3 + 3);
    if (index < 0 || source === undefined) return undefined;
    return { source, line: line!, column: column! };
  }
}

/** Makes edits that do not overlap, in any order; what is behind one in its line stays mapped. */
export function edited({ code, map }: MappedCode, edits: readonly Edit[]): MappedCode {
  const sorted = [...edits].sort((one, other) => one.start - other.start || one.end - other.end);
  const starts = lineStarts(code);
  const lines = map.mappings.split(";");
  const parts: string[] = [];
  let [done, line] = [0, 0];
  const inLine: (Edit & { column: number })[] = [];
  const finishLine = (): void => {
    const mappings = lines[line];
    if (inLine.length > 0 && mappings !== undefined) lines[line] = shifted(mappings, inLine);
    inLine.length = 0;
  };
  for (const edit of sorted) {
    while (line + 1 < starts.length && starts[line + 1]! <= edit.start) {
      finishLine();
      line++;
    }
    inLine.push({ ...edit, column: edit.start - starts[line]! });
    parts.push(code.slice(done, edit.start), edit.text);
    done = edit.end;
  }
  finishLine();
  parts.push(code.slice(done));
  return { code: parts.join(""), map: { ...map, mappings: lines.join(";") } };
}

/** The mappings of one line after its edits, which are in order. */
function shifted(mappings: string, edits: readonly (Edit & { column: number })[]): string {
  let [before, after] = [0, 0];
  return mappings.split(",").map((segment) => {
    const [delta, length] = readNumber(segment);
    before += delta;
    let column = before;
    for (const edit of edits) {
      // What is mapped to the place of an insertion is the code behind it.
      if (before < edit.column + (edit.end - edit.start)) break;
      column += edit.text.length - (edit.end - edit.start);
    }
    const written = writeNumber(column - after);
    after = column;
    return written + segment.slice(length);
  }).join(",");
}

/** The mappings with other origins, whose sources stay. */
export function moved(mappings: string, move: (origin: Origin) => Origin): string {
  let before: Origin = { source: 0, line: 0, column: 0 };
  let after = before;
  return mappings.split(";").map((line) =>
    line.split(",").map((segment) => {
      const [place = 0, source, inLine = 0, column = 0, ...rest] = readNumbers(segment);
      if (source === undefined) return segment;
      before = {
        source: before.source + source,
        line: before.line + inLine,
        column: before.column + column,
      };
      const to = move(before);
      const numbers = [place, source, to.line - after.line, to.column - after.column, ...rest];
      after = to;
      return numbers.map(writeNumber).join("");
    }).join(",")
  ).join(";");
}

function readNumbers(segment: string): number[] {
  const numbers: number[] = [];
  for (let at = 0; at < segment.length;) {
    const [value, length] = readNumber(segment.slice(at));
    numbers.push(value);
    at += length;
  }
  return numbers;
}

/** The number at the start of a segment, and how many digits it has. */
function readNumber(segment: string): [number, number] {
  let [value, length] = [0, 0];
  while (length < segment.length) {
    const digit = VALUES[segment.charCodeAt(length)]!;
    value += (digit & 31) << (5 * length++);
    if ((digit & 32) === 0) break;
  }
  return [(value & 1) !== 0 ? -(value >>> 1) : value >>> 1, length];
}

function writeNumber(value: number): string {
  let rest = value < 0 ? (-value << 1) | 1 : value << 1;
  let text = "";
  do {
    const digit = rest & 31;
    rest >>>= 5;
    text += DIGITS.charAt(rest > 0 ? digit | 32 : digit);
  } while (rest > 0);
  return text;
}
