/** The tokens of code as esbuild prints it. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { closing, readTokens } from "../../src/build/js_tokens.ts";

/** Code, and its tokens without spaces between them. */
const CASES: readonly [string, string[]][] = [
  ["#!/usr/bin/deno\na;", ["a", ";"]],
  ["a; // b 'c\n/* d\n` */ e", ["a", ";", "e"]],
  ['"a\\"b" + \'c\\\'\' + `d\\`${"$"}`', ['"a\\"b"', "+", "'c\\''", "+", "`d\\`${", '"$"', "}`"]],
  ["`a ${{ b: `c${d}` }} e ${f} g`", [
    "`a ${",
    "{",
    "b",
    ":",
    "`c${",
    "d",
    "}`",
    "}",
    "} e ${",
    "f",
    "} g`",
  ]],
  ["a.#b?.c", ["a", ".", "#b", "?", ".", "c"]],
  ["x = a / b / c;", ["x", "=", "a", "/", "b", "/", "c", ";"]],
  ["x = /[/`'\"]\\//g.test(y);", ["x", "=", "/[/`'\"]\\//g", ".", "test", "(", "y", ")", ";"]],
  ["return / a/u;", ["return", "/ a/u", ";"]],
  ["a.return / b;", ["a", ".", "return", "/", "b", ";"]],
  ["(a) / b; c[0] / d; e++ / f;", [
    ..."( a ) / b ; c [ 0 ] / d ; e ++ / f ;".split(" "),
  ]],
  ["{\n}\n/a`/.test(b);", ["{", "}", "/a`/", ".", "test", "(", "b", ")", ";"]],
  ["(a) => -1e5 === .5", ["(", "a", ")", "=>", "-", "1e5", "===", ".5"]],
  ["größe = \\u{61}b;", ["größe", "=", "\\u{61}b", ";"]],
  ["[...a]", ["[", "...", "a", "]"]],
];

for (const [code, expected] of CASES) {
  Deno.test(`readTokens() of ${JSON.stringify(code)}`, () => {
    const tokens = readTokens(code);
    assertEquals(tokens.map(({ text }) => text), expected);
    for (const { start, end, text } of tokens) assertEquals(code.slice(start, end), text);
  });
}

Deno.test("readTokens() ends, whatever it is given", () => {
  for (const code of ["`${", '"', "'a\nb", "/", "/*", "}`", "\\", "((", "`"]) readTokens(code);
});

Deno.test("closing() finds the end of a bracket, over templates", () => {
  const tokens = readTokens("f(`a${b(`}`)}`, [{}]) + g()");
  assertEquals(tokens[closing(tokens, 1)]?.start, "f(`a${b(`}`)}`, [{}]".length);
  assertEquals(closing(readTokens("(a"), 0), 2);
});
