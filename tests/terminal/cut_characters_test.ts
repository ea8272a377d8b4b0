/** The bytes that are held back, all of which are shown in the end. */

// @ts-types="../../types/std_bytes.d.ts"
import { concat } from "@std/bytes/concat";
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import type { OutputFd } from "../../src/core/events.ts";
import { CutCharacters, cutLength } from "../../src/terminal/cut_characters.ts";
import { FIRST, utf8, WORKER } from "./events.ts";
import { isBeginning } from "./model.ts";

/** Bytes at and next to each boundary of UTF-8. */
const BORDERS: readonly number[] = [
  ...[0x00, 0x0a, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1],
  ...[0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff],
];

Deno.test("cutLength() is what a decoder would hold back, for all boundary bytes of UTF-8", () => {
  for (const first of BORDERS) {
    for (const second of BORDERS) {
      for (const third of BORDERS) {
        const bytes = new Uint8Array([first, second, third]);
        const expected = [1, 2, 3].find((length) => isBeginning(bytes.slice(-length))) ?? 0;
        assertEquals(cutLength(bytes), expected, `${bytes}`);
      }
    }
  }
});

Deno.test("cutLength() reads only existing bytes", () => {
  const table: [bytes: number[], expected: number][] = [
    [[], 0],
    [[0x61], 0],
    [[0xc3], 1],
    [[0x80], 0],
    [[0xe2, 0x82], 2],
    [[0x82, 0x82], 0],
    [[0xf0, 0x9f, 0x98], 3],
    [[0x9f, 0x98, 0x80], 0],
  ];
  for (const [bytes, expected] of table) {
    assertEquals(cutLength(new Uint8Array(bytes)), expected, `${bytes}`);
  }
});

Deno.test("join() gives only whole characters, wherever a text is cut", () => {
  const text = "a é€\n𝄞\u{10ffff}z";
  const bytes = utf8(text);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for (let first = 0; first <= bytes.length; first++) {
    for (let second = first; second <= bytes.length; second++) {
      const characters = new CutCharacters();
      const cuts = [bytes.slice(0, first), bytes.slice(first, second), bytes.slice(second)];
      const shown = cuts.map((cut) => decoder.decode(characters.join(FIRST, 1, cut)));
      assertEquals(shown.join(""), text, `cut at bytes ${first} and ${second}`);
      assertEquals(characters.rest(FIRST, 1).length, 0);
    }
  }
});

Deno.test("join() keeps the streams of the processes apart", () => {
  const streams = [[FIRST, 1], [FIRST, 2], [WORKER, 1], [WORKER, 2]] as const;
  const texts = ["é", "€", "𝄞", "\u{10ffff}"];
  const characters = new CutCharacters();
  const shown: Uint8Array<ArrayBuffer>[][] = [[], [], [], []];
  for (let index = 0; index < 4; index++) {
    streams.forEach(([pid, fd], stream) => {
      const byte = utf8(texts[stream]!).slice(index, index + 1);
      shown[stream]!.push(characters.join(pid, fd as OutputFd, byte));
    });
  }
  assertEquals(shown.map((parts) => concat(parts)), texts.map(utf8));
});

Deno.test("rest() gives what was held back, once", () => {
  const characters = new CutCharacters();
  assertEquals(characters.join(FIRST, 1, new Uint8Array([0x61, 0xf0, 0x9f])), utf8("a"));
  assertEquals(characters.rest(FIRST, 2), utf8(""));
  assertEquals(characters.rest(FIRST, 1), new Uint8Array([0xf0, 0x9f]));
  assertEquals(characters.rest(FIRST, 1), utf8(""));
});

Deno.test("join() passes bytes that cannot become a character at once", () => {
  const characters = new CutCharacters();
  for (const bytes of [[0xff], [0xe2, 0x28], [0xed, 0xa0], [0xf4, 0x90], [0xc0], [0x80]]) {
    assertEquals(characters.join(FIRST, 1, new Uint8Array(bytes)), new Uint8Array(bytes));
  }
  assertEquals(characters.join(FIRST, 1, new Uint8Array([0xe2])).length, 0);
  assertEquals(characters.join(FIRST, 1, utf8("(")), new Uint8Array([0xe2, 0x28]));
});
