// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import {
  MAX_LINE_CHARACTERS,
  visible,
  visibleJson,
  visibleLine,
  visibleName,
} from "../../src/core/visible.ts";

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

Deno.test("visibleName() is as short as the name, and no longer than a line", () => {
  assertEquals(visibleName("a\x1b[2Jb\u202ec\u2028"), "a\ufffd[2Jb\ufffdc\ufffd");
  assertEquals(visibleName("x".repeat(1e6)).length, MAX_LINE_CHARACTERS);
});

Deno.test("visibleJson() means the same, without what acts on a terminal", () => {
  const value = { a: ["\x9b2J\x7f", "\x1b]0;\x07", "\u202e\u2066", "ü日\u2028"], b: null };
  const text = visibleJson(value);
  assertEquals(
    text,
    String.raw`{"a":["\u009b2J\u007f","\u001b]0;\u0007","\u202e\u2066","ü日` + '\u2028"],"b":null}',
  );
  assertEquals(JSON.parse(text), value);
});
