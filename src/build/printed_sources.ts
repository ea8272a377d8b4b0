/**
 * `deno bundle` prints CommonJS modules anew before it bundles them, and its map leads to what it has printed: other
 * lines and columns than those of the files. Both have the same names and literals in the same order, so the map is
 * led on to the files.
 */

import { readTokens, type Token } from "./js_tokens.ts";
import { lineStarts, moved, type Origin } from "./mappings.ts";
import type { SourceMap } from "./source_map.ts";

/** In a longer file, which is generated, nobody looks for a line. */
const MAX_CHARACTERS = 2 ** 20;

/**
 * Leads a map to the files. A source that does not have the same tokens as its file stays as it is.
 *
 * @param textOf Returns the text of the file of a source, by its name; `undefined` if there is none.
 */
export function leadToFiles(
  map: SourceMap,
  textOf: (source: string) => string | undefined,
): SourceMap {
  const contents = [...map.sourcesContent ?? []];
  const moves = new Map<number, (origin: Origin) => Origin>();
  for (const [source, name] of map.sources.entries()) {
    const printed = contents[source];
    const text = /\.c?js$/.test(name) ? textOf(name) : undefined;
    if (!printed || text === undefined || text === printed) continue;
    const move = text.length > MAX_CHARACTERS ? undefined : moveTo(text, printed);
    if (move === undefined) continue;
    moves.set(source, move);
    contents[source] = text;
  }
  if (moves.size === 0) return map;
  const mappings = moved(map.mappings, (origin) => moves.get(origin.source)?.(origin) ?? origin);
  return { ...map, mappings, sourcesContent: contents };
}

/** From a place in what was printed to that in the text; `undefined` if their tokens differ. */
function moveTo(text: string, printed: string): ((origin: Origin) => Origin) | undefined {
  const [from, to] = [printed, text].map((code) => readTokens(code).filter(isKept)) as [
    Token[],
    Token[],
  ];
  if (from.length !== to.length) return undefined;
  if (from.some(({ text }, index) => text !== to[index]!.text)) return undefined;
  const [fromStarts, toStarts] = [lineStarts(printed), lineStarts(text)];
  return ({ source, line, column }) => {
    const offset = (fromStarts[line] ?? 0) + column;
    const index = countUpTo(offset, from.length, (at) => from[at]!.start) - 1;
    if (index < 0) return { source, line: 0, column: 0 };
    const { start, end } = to[index]!;
    const place = Math.min(start + offset - from[index]!.start, end);
    const inLine = countUpTo(place, toStarts.length, (at) => toStarts[at]!) - 1;
    return { source, line: inLine, column: place - toStarts[inLine]! };
  };
}

/** Brackets, commas and semicolons may have been added. */
function isKept({ kind }: Token): boolean {
  return kind !== "mark";
}

/** How many of the numbers that `at` gives, in ascending order, are at most `limit`. */
function countUpTo(limit: number, length: number, at: (index: number) => number): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (at(middle) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
