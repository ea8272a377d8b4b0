/** Indentation, compared with a slow implementation, for every split into reads. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertStrictEquals } from "@std/assert";
// @ts-types="../../types/std_bytes.d.ts"
import { concat } from "@std/bytes/concat";
import { type Cursor, cursorAfter, indented } from "../../src/terminal/indent.ts";
import { randomFrom, utf8 } from "./events.ts";

/** Puts an indent in front of each byte in the first column. */
function slowly(text: string): string {
  return text.replaceAll(/(?<=^|\n)[^]|(?<=\r)[^\r\n]/g, "   $&");
}

Deno.test("indented() is the same for every cut of a text into reads", () => {
  for (const seed of [1, 2, 3, 4, crypto.getRandomValues(new Uint32Array(1))[0]!]) {
    const random = randomFrom(seed);
    for (let round = 0; round < 200; round++) {
      const letters = ["a", "b", "\n", "\r", " ", "x".repeat(70)];
      const text = Array.from(
        { length: Math.floor(random() * 12) },
        () => letters[Math.floor(random() * letters.length)],
      ).join("");
      const parts: Uint8Array<ArrayBuffer>[] = [];
      let cursor: Cursor = "start";
      for (let rest = utf8(text); rest.length > 0;) {
        const part = rest.slice(0, 1 + Math.floor(random() * rest.length));
        rest = rest.slice(part.length);
        parts.push(indented(part, cursor, new Uint8Array()));
        cursor = cursorAfter(part);
      }
      const shown = new TextDecoder().decode(concat(parts));
      assertEquals(shown, slowly(text), `seed ${seed}: ${JSON.stringify(text)}`);
    }
  }
});

Deno.test("indented() gives a line that is written over no more indent than fits", () => {
  const line = (length: number) => "#".repeat(length);
  const table: [text: string, cursor: Cursor, shown: string][] = [
    [line(17), "start", `   ${line(17)}`],
    [line(18), "start", `  ${line(18)}`],
    [line(20), "start", line(20)],
    [line(21), "start", `   ${line(21)}`], // it does not fit anyway
    [`\r${line(20)}`, "inside", `\r${line(20)}`],
    [`${line(19)}\r${line(18)}\r`, "returned", ` ${line(19)}\r  ${line(18)}\r`],
    [`${line(20)}\n`, "returned", `${line(20)}\n`],
    [`${line(20)}\n`, "start", `   ${line(20)}\n`], // a whole line may be wrapped
    [`${line(20)}\r\n`, "start", `   ${line(20)}\r\n`],
    [`a\n${line(20)}`, "start", `   a\n${line(20)}`],
    [`\x1b[32m${line(17)}\x1b[0m\r`, "start", `   \x1b[32m${line(17)}\x1b[0m\r`],
    [`\x1b[32m${line(19)}\x1b[0m\r`, "start", ` \x1b[32m${line(19)}\x1b[0m\r`],
    ["\u65e5".repeat(9), "start", `  ${"\u65e5".repeat(9)}`],
    ["\u2588".repeat(17), "start", `   ${"\u2588".repeat(17)}`],
  ];
  for (const [text, cursor, shown] of table) {
    const bytes = indented(utf8(text), cursor, new Uint8Array(), () => 20);
    assertEquals(new TextDecoder().decode(bytes), shown, JSON.stringify(text));
  }
});

Deno.test("indented() prepends the prefix, and copies nothing where nothing is added", () => {
  const bytes = utf8("a");
  assertStrictEquals(indented(bytes, "inside", new Uint8Array()), bytes);
  assertEquals(indented(bytes, "start", utf8("name:\n")), utf8("name:\n   a"));
  assertEquals(indented(utf8("a\rb"), "inside", utf8("name:\n")), utf8("name:\na\r   b"));
});
