/** Code with a map, for tests: as a bundle, but written by hand. */

import type { MappedCode } from "../../src/build/source_map.ts";

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function number(value: number): string {
  let rest = value < 0 ? (-value << 1) | 1 : value << 1;
  let text = "";
  do {
    text += DIGITS[(rest & 31) | (rest > 31 ? 32 : 0)];
    rest >>>= 5;
  } while (rest > 0);
  return text;
}

/**
 * Each line after a comment `// name` is one of that source, in which lines are counted from the comment. Each
 * word of it is mapped.
 *
 * @param original What words stand for that are called otherwise in the source: `{ work2: "work" }`.
 */
export function mapped(code: string, original: Record<string, string> = {}): MappedCode {
  const sources: string[] = [];
  const contents: string[] = [];
  const before = { source: 0, line: 0, column: 0 };
  let line = -1;
  const mappings = code.split("\n").map((text) => {
    const name = /^\/\/ (.+)$/.exec(text)?.[1];
    if (name !== undefined) {
      sources.push(name);
      contents.push("");
      line = -1;
      return "";
    }
    if (sources.length === 0) return "";
    line++;
    let [from, last] = [0, 0];
    let written = "";
    return [...text.matchAll(/[\w$]+|[^\w$]+/g)].flatMap(([word]) => {
      const at = { source: sources.length - 1, line, column: written.length };
      written += original[word] ?? word;
      from += word.length;
      const start = from - word.length;
      const fields = [
        start - last,
        at.source - before.source,
        at.line - before.line,
        at.column - before.column,
      ];
      last = start;
      Object.assign(before, at);
      return [fields.map(number).join("")];
    }).concat((contents[sources.length - 1] += `${written}\n`) && []).join(",");
  });
  return {
    code,
    map: { version: 3, sources, sourcesContent: contents, mappings: mappings.join(";") },
  };
}
