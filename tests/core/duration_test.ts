/** Durations and graces: what can be written, and what it means. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { parseDuration, parseGrace } from "../../src/core/duration.ts";

Deno.test("parseDuration() reads numbers with units, and 0", () => {
  const table: [text: string, ms: number][] = [
    ["0", 0],
    ["0s", 0],
    ["500ms", 500],
    ["0.5ms", 0.5],
    ["3s", 3_000],
    ["1.5s", 1_500],
    [" 10 s ", 10_000],
    ["2m", 120_000],
    ["24h", 86_400_000],
  ];
  for (const [text, ms] of table) assertEquals(parseDuration(text), ms, text);
});

Deno.test("parseDuration() refuses anything else, and shows an example", () => {
  const wrong = [
    "",
    " ",
    "5",
    "s",
    "-1s",
    "1e3s",
    "1,5s",
    "5S",
    "5 sec",
    "1s 5ms",
    "NaN",
    "Infinity",
  ];
  wrong.push("0x10s", "9".repeat(400) + "s");
  for (const text of wrong) {
    assertThrows(() => parseDuration(text), SyntaxError, `Cannot read ${JSON.stringify(text)} as`);
    assertThrows(() => parseDuration(text), SyntaxError, `"500ms", "10s" or "0"`);
  }
});

Deno.test("parseGrace() is 3 s by default, at most an hour, and its error names the source", () => {
  assertEquals(parseGrace(undefined, "--grace"), 3_000);
  assertEquals(parseGrace("", "DEPLOY_GRACE"), 3_000);
  assertEquals([parseGrace("0", "--grace"), parseGrace("60m", "--grace")], [0, 3_600_000]);
  for (const text of ["soon", "61m", "3"]) {
    const message = `Cannot use "${text}" as DEPLOY_GRACE: write a duration of at most 1h`;
    assertThrows(() => parseGrace(text, "DEPLOY_GRACE"), SyntaxError, message);
  }
});
