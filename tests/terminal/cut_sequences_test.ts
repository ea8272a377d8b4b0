// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { makePid } from "../../src/core/pid.ts";
import { cutSequenceLength, MAX_SEQUENCE_BYTES } from "../../src/terminal/cut_sequences.ts";
import { HumanFormatter } from "../../src/terminal/human.ts";
import { utf8 } from "./events.ts";

/** Complete sequences. */
const SEQUENCES = [
  "\x1b[0m",
  "\x1b[1;38;5;196m",
  "\x1b[?2004h",
  "\x1b[2 q",
  "\x1b]0;a title\x07",
  "\x1b]8;;https://example.com/ü\x1b\\",
  "\x1bP1$r0m\x1b\\",
  "\x1b7",
  "\x1b(B",
  "\x1bM",
];

Deno.test("cutSequenceLength() is the length of the beginning of a sequence, and 0 for a whole one", () => {
  for (const before of ["", "text", "\n", "\x1b[0m", "日"]) {
    for (const sequence of SEQUENCES) {
      const bytes = utf8(sequence);
      for (let length = 1; length <= bytes.length; length++) {
        const part = new Uint8Array([...utf8(before), ...bytes.subarray(0, length)]);
        const expected = length < bytes.length ? length : 0;
        assertEquals(cutSequenceLength(part), expected, JSON.stringify([before, sequence, length]));
      }
      assertEquals(cutSequenceLength(utf8(`${before}${sequence}text`)), 0);
    }
  }
});

Deno.test("cutSequenceLength() holds back no more than a sequence may be, and nothing that is none", () => {
  assertEquals(cutSequenceLength(utf8("")), 0);
  assertEquals(cutSequenceLength(utf8("\x1b[12\n")), 0);
  assertEquals(cutSequenceLength(utf8("\x1b[12\x1b[3")), 3);
  assertEquals(cutSequenceLength(utf8("\x1b]0;never ended\x1b[0m")), 0);
  const most = "x".repeat(MAX_SEQUENCE_BYTES - 2);
  assertEquals(cutSequenceLength(utf8(`a\x1b]${most}`)), MAX_SEQUENCE_BYTES);
  assertEquals(cutSequenceLength(utf8(`a\x1b]${most}x`)), 0);
});

Deno.test("another process's line never comes between the halves of a sequence", () => {
  const [one, two] = ["1", "2"].map((digit) => makePid(digit.repeat(32), "127.0.0.1", 1));
  for (const interleaved of [true, false]) {
    for (const sequence of SEQUENCES) {
      const bytes = utf8(`a${sequence}b`);
      for (let cut = 1; cut < bytes.length; cut++) {
        const formatter = new HumanFormatter({ colors: false, interleaved });
        const shown = [
          { pid: one!, bytes: bytes.slice(0, cut) },
          { pid: two!, bytes: utf8("other\n") },
          { pid: one!, bytes: bytes.slice(cut) },
        ].flatMap((each) => formatter.format({ event: "output", fd: 1, time: 0, ...each }));
        const text = shown.map(({ bytes }) => new TextDecoder().decode(bytes)).join("");
        assertEquals(text.includes(sequence), true, JSON.stringify([sequence, cut, text]));
      }
    }
  }
});
