/** What a terminal gets of what programs write. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { CutCharacters } from "../../src/terminal/cut_characters.ts";
import { cutSequenceLength } from "../../src/terminal/cut_sequences.ts";
import { Style } from "../../src/terminal/style.ts";
import { TerminalFilter } from "../../src/terminal/terminal_filter.ts";
import { randomFrom, utf8, WORKER } from "./events.ts";

const decoder = new TextDecoder();

function passed(text: string, rewrites = true): string {
  return decoder.decode(new TerminalFilter({ rewrites }).pass(utf8(text)));
}

Deno.test("text, tabs, returns, colours and changes to one's own line pass unchanged", () => {
  for (
    const text of [
      "plain\r\ntext\twith ünï 日本 👍\n\x07",
      "\x1b[1;38;5;64mcolour\x1b[0m\n",
      "\x1b[38:2::1:2:3m\x1b[m\n",
      "10 %\r\x1b[K20 %\r\x1b[2K",
      "abc\b\bd",
      "abc\x1b[2D\x1b[P\x1b[2X\x1b[@",
      "abc\x1b[3C",
      "©°é", // begin with the byte of the controls of the second set
    ]
  ) {
    assertEquals(passed(text), text);
  }
});

Deno.test("what would change more than one's own line is left out", () => {
  for (
    const [name, hostile] of [
      ["the cursor up", "\x1b[A"],
      ["the cursor down", "\x1b[2B"],
      ["the cursor to a place", "\x1b[1;1H"],
      ["the cursor to a place, too", "\x1b[1;1f"],
      ["the cursor to a line", "\x1b[3d"],
      ["lines before", "\x1b[F"],
      ["erasing the screen", "\x1b[2J"],
      ["the scrollback", "\x1b[3J"],
      ["scrolling", "\x1b[2S\x1b[2T\x1bM\x1bD\x1bE"],
      ["margins", "\x1b[2;5r"],
      ["the other screen", "\x1b[?1049h"],
      ["hiding the cursor", "\x1b[?25l"],
      ["mouse reports", "\x1b[?1003h"],
      ["a question for the device", "\x1b[c\x1b[>c\x1b[5n\x1b[6n\x1bZ\x05"],
      ["a question for the title", "\x1b[21t"],
      ["resetting", "\x1bc\x1b[!p"],
      ["saving the cursor", "\x1b7\x1b8\x1b[s\x1b[u"],
      ["other characters", "\x1b(0\x0e\x0f"],
      ["the title", "\x1b]0;forged\x07"],
      ["the clipboard", "\x1b]52;c;Zm9yZ2Vk\x1b\\"],
      ["a link", "\x1b]8;;https://example.com\x1b\\"],
      ["colours of the palette", "\x1b]4;1;?\x07"],
      ["device strings", "\x1bP$qm\x1b\\\x1b_x\x1b\\\x1b^x\x1b\\\x1bXx\x1b\\"],
      ["modes of keys", "\x1b[>4;2m"],
      ["repeating", "\x1b[999999999b"],
      ["tabs back", "\x1b[Z"],
      ["controls of the second set", "\u009b\u0085\u008d"],
      ["nothing known", "\x1b[1 q\x1b#8\x1b[<1M\x1b[=1m"],
      ["more movements than there is of a line", "\b\b\x1b[9D"],
    ] as const
  ) {
    assertEquals(passed(hostile), "", name);
    assertEquals(passed(`${hostile}text`), "text", name);
    assertEquals(passed(`a\n${hostile}b\n`, false), "a\nb\n", name);
  }
});

Deno.test("the cursor stays behind the indent, whatever moved it before", () => {
  assertEquals(passed("abc\b\b\b\b\b!"), "abc\b\b\b!");
  assertEquals(passed("abc\x1b[99D!"), "abc\x1b[3D!");
  assertEquals(passed("abc\x1b[2D\x1b[2D!"), "abc\x1b[2D\x1b[1D!");
  assertEquals(passed("abc\r\b!"), "abc\r!");
  assertEquals(passed("abc\n\x1b[D!"), "abc\n!");
  assertEquals(passed("日\b\b\b!"), "日\b\b!");
  assertEquals(passed("e\u0301\u0301\b\b!"), "e\u0301\u0301\b!");
  // The terminal stops at its last column, and so would count less.
  assertEquals(passed("\x1b[500C\x1b[500D!"), "\x1b[500C\x1b[79D!");
  // A column is counted from behind the indent, which a return is followed by.
  assertEquals(passed("abc\x1b[G!\x1b[5G?"), "abc\r!\r\x1b[4C?");
  assertEquals(passed("abc\x0bdef\x0cghi"), "abc\ndef\nghi");
});

Deno.test("where a line is not written over, a return begins a new one, and nothing is moved", () => {
  assertEquals(passed("10 %\r20 %\r\n", false), "10 %\n20 %\r\n");
  assertEquals(passed("a\b\x1b[K\x1b[G\x1b[31mb\x1b[m\n", false), "a\x1b[31mb\x1b[m\n");
  // Whole lines stay whole, also within a string that never ends.
  assertEquals(passed("a\x1b]0;b\nc\n", false), "a\nc\n");
});

Deno.test("colours end with each piece, and begin anew with the next", () => {
  const filter = new TerminalFilter({ rewrites: true });
  const pass = (text: string) => decoder.decode(filter.pass(utf8(text)));
  assertEquals(pass("\x1b[1;31mred\n"), "\x1b[1;31mred\x1b[0m\n");
  assertEquals(pass("more"), "\x1b[1;31mmore\x1b[0m");
  assertEquals(pass("\x1b[39mbold\r\n"), "\x1b[1;31m\x1b[39mbold\x1b[0m\r\n");
  assertEquals(pass("\x1b[A"), "", "nothing is shown");
  assertEquals(pass("\x1b[22mplain\n"), "\x1b[1m\x1b[22mplain\n");
  assertEquals(pass("plain\n"), "plain\n");
});

Deno.test("a style is what is set, and not ended", () => {
  const table: readonly (readonly [string, string])[] = [
    ["1;2;22", ""],
    ["1;31;44;39", "1;44"],
    ["38;5;64;3", "38;5;64;3"],
    ["38;2;1;2;3;48;5;9;49", "38;2;1;2;3"],
    ["38:5:64;58;5;1;59", "38:5:64"],
    ["7;0;4", "4"],
    ["7;", ""],
    ["91;101;99", "91;101"],
  ];
  for (const [parameters, left] of table) {
    const style = new Style();
    style.take(parameters);
    assertEquals(style.sequence, left === "" ? "" : `\x1b[${left}m`, parameters);
  }
});

Deno.test("a string of any length is left out, whatever pieces it comes in", () => {
  const [cut, filter] = [
    new CutCharacters(cutSequenceLength),
    new TerminalFilter({ rewrites: true }),
  ];
  const text = utf8(`before\x1b]52;c;${"A".repeat(20_000)}\x1b\\after`);
  let shown = "";
  for (let at = 0; at < text.length; at += 1_000) {
    const piece = cut.join(WORKER, 1, text.slice(at, at + 1_000));
    shown += decoder.decode(filter.pass(piece));
  }
  assertEquals(shown, "beforeafter");
});

Deno.test("what passes of noise can change its own line only, and text passes at once and as it is", () => {
  const random = randomFrom(7);
  const pieces = [
    "\x1b",
    "[",
    "]",
    "0",
    ";",
    "m",
    "A",
    "D",
    "G",
    "\b",
    "\r",
    "\n",
    "\x9b",
    "\u009b",
    "é",
    "x",
  ];
  for (let round = 0; round < 2_000; round++) {
    let text = "";
    for (let count = 20 * random(); count >= 0; count--) {
      text += pieces[Math.floor(pieces.length * random())];
    }
    const shown = passed(text);
    // deno-lint-ignore no-control-regex -- escape sequences are what is looked for
    const rest = shown.replaceAll(/\x1b\[(?:[\d;:]*m|[0-2]?K|\d*[CDPX@])/g, "");
    assert(
      // deno-lint-ignore no-control-regex
      !/\x1b|[\x00-\x06\x0b-\x0c\x0e-\x1f\x7f-\x9f]/.test(rest),
      JSON.stringify([text, shown]),
    );
  }
  const plain = utf8("ünd\n".repeat(10_000));
  const filter = new TerminalFilter({ rewrites: true });
  assert(filter.pass(plain) === plain, "the same bytes");
});
