/** What becomes of escape sequences on a page. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import {
  paletteColor,
  parseAnsi,
  type Span,
  type Style,
  textOf,
} from "../../src/dashboard/model/ansi.ts";

const ESC = "\x1b";

Deno.test("parseAnsi() turns colours and styles into values", () => {
  const table: [string, Style][] = [
    ["", {}],
    ["31", { fg: 1 }],
    ["42", { bg: 2 }],
    ["93", { fg: 11 }],
    ["104", { bg: 12 }],
    ["1;3;4", { bold: true, italic: true, underline: true }],
    ["2;7;9", { dim: true, inverse: true, strike: true }],
    ["38;5;196", { fg: 196 }],
    ["48;5;22;1", { bg: 22, bold: true }],
    ["38;2;255;0;128", { fg: "#ff0080" }],
    ["38;5;300", {}],
    ["38;2;1;2", {}],
    ["38;2;256;0;0;1", { bold: true }],
    ["31;0", {}],
    ["1;22", {}],
    ["31;39", {}],
    ["999", {}],
  ];
  for (const [codes, style] of table) {
    const { spans } = parseAnsi(`${ESC}[${codes}mx`);
    assertEquals(spans, [{ text: "x", style }], codes);
  }
});

Deno.test("parseAnsi() goes on with the style of the text before", () => {
  const first = parseAnsi(`a${ESC}[31mb`);
  assertEquals(first.spans, [{ text: "a", style: {} }, { text: "b", style: { fg: 1 } }] as Span[]);
  const { spans } = parseAnsi(`c${ESC}[md`, first.style);
  assertEquals(spans, [{ text: "c", style: { fg: 1 } }, { text: "d", style: {} }] as Span[]);
});

Deno.test("parseAnsi() leaves out all other sequences and controls, and nothing else", () => {
  const table: [string, string][] = [
    [`a${ESC}[2Jb`, "ab"],
    [`a${ESC}[10;20Hb`, "ab"],
    [`a${ESC}[?25lb`, "ab"],
    [`a${ESC}]0;title\x07b`, "ab"],
    [`a${ESC}]8;;http://evil.example${ESC}\\link${ESC}]8;;${ESC}\\b`, "alinkb"],
    [`a${ESC}Pq#0${ESC}\\b`, "ab"],
    [`a${ESC}(Bb`, "ab"],
    [`a${ESC}cb`, "ab"],
    [`a${ESC}`, "a"],
    ["a\x00\x07\x08\x7f\x9bb\tc", "ab\tc"],
    ["<script>alert(1)</script>&amp;", "<script>alert(1)</script>&amp;"],
    ["ü → 😀", "ü → 😀"],
  ];
  for (const [line, text] of table) assertEquals(textOf(parseAnsi(line).spans), text, line);
});

Deno.test("paletteColor() gives the cube and the greys of the 256 colours", () => {
  const table: [number, string][] = [
    [16, "#000000"],
    [196, "#ff0000"],
    [27, "#005fff"],
    [
      231,
      "#ffffff",
    ],
    [232, "#080808"],
    [255, "#eeeeee"],
  ];
  for (const [index, color] of table) assertEquals(paletteColor(index), color);
});
