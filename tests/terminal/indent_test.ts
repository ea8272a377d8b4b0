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

Deno.test("indented() prepends the prefix, and copies nothing where nothing is added", () => {
  const bytes = utf8("a");
  assertStrictEquals(indented(bytes, "inside", new Uint8Array()), bytes);
  assertEquals(indented(bytes, "start", utf8("name:\n")), utf8("name:\n   a"));
  assertEquals(indented(utf8("a\rb"), "inside", utf8("name:\n")), utf8("name:\na\r   b"));
});
