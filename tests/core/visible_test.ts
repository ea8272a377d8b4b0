// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { MAX_LINE_CHARACTERS, visible, visibleLine } from "../../src/core/visible.ts";

const TABLE: readonly (readonly [string, string])[] = [
  ["a plain line, ünd 日本語 👍", "a plain line, ünd 日本語 👍"],
  ["no\nsuch\r\nfile", "no | such | file"],
  ["\x1b]52;c;AAAA\x07 \x1b[2J", "\\x1b]52;c;AAAA\\x07 \\x1b[2J"],
  ["one\rforged", "one\\x0dforged"],
  ["\x9b2J\x85\x7f\x00", "\\x9b2J\\x85\\x7f\\x00"],
  ["a\u2028b\u202ec\u2066", "a\\u2028b\\u202ec\\u2066"],
];

Deno.test("visibleLine() shows control characters of both sets as escapes, and newlines as |", () => {
  for (const [text, shown] of TABLE) assertEquals(visibleLine(text), shown);
});

Deno.test("visible() leaves newlines and tabs", () => {
  assertEquals(visible("a\n\tb\r\nc\rd\x1b[m"), "a\n\tb\nc\\x0dd\\x1b[m");
});

Deno.test("a line has at most 1,000 characters, also of escapes, and at most as much is looked at", () => {
  assertEquals(visibleLine("x".repeat(MAX_LINE_CHARACTERS)), "x".repeat(MAX_LINE_CHARACTERS));
  for (const text of ["x".repeat(MAX_LINE_CHARACTERS + 1), "\x1b".repeat(900), "\n".repeat(1e6)]) {
    const line = visibleLine(text);
    assertEquals(line.length, MAX_LINE_CHARACTERS);
    assertEquals(line.at(-1), "…");
  }
});
