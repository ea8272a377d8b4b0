/** Counting newlines, compared with counting one by one. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { countNewlines } from "../../src/terminal/count_newlines.ts";
import { randomFrom } from "./events.ts";

Deno.test("countNewlines() counts at every offset and length, beside every other byte", () => {
  const buffer = new Uint8Array(64);
  for (let other = 0; other < 256; other++) {
    buffer.fill(other);
    for (const index of [0, 3, 5, 6, 7, 8, 13, 14, 15]) buffer[index] = 0x0a;
    for (let start = 0; start < 12; start++) {
      for (let end = start; end <= 20; end++) {
        const bytes = buffer.subarray(start, end);
        const expected = bytes.filter((byte) => byte === 0x0a).length;
        const found = countNewlines(bytes);
        if (found !== expected) assertEquals(found, expected, `${other}: ${start} to ${end}`);
      }
    }
  }
});

Deno.test("countNewlines() counts in random bytes", () => {
  for (let round = 0; round < 300; round++) {
    const seed = round < 250 ? round : crypto.getRandomValues(new Uint32Array(1))[0]!;
    const random = randomFrom(seed);
    const values = [0x00, 0x09, 0x0a, 0x0b, 0x8a, 0x4a, 0x80, 0xff];
    const bytes = Uint8Array.from(
      { length: Math.floor(random() * 300) },
      () => random() < 0.5 ? values[Math.floor(random() * values.length)]! : random() * 256,
    ).subarray(Math.floor(random() * 5));
    const expected = bytes.filter((byte) => byte === 0x0a).length;
    assertEquals(countNewlines(bytes), expected, `seed ${seed}`);
  }
});
