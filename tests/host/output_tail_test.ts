/** The last lines of what a process wrote. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { OutputTail } from "../../src/host/output_tail.ts";

function tailOf(...parts: string[]): string {
  const tail = new OutputTail();
  const buffer = new Uint8Array(65_536);
  for (const part of parts) {
    const { written } = new TextEncoder().encodeInto(part, buffer);
    tail.add(buffer.subarray(0, written));
    buffer.fill(0);
  }
  return tail.text();
}

const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, at) => `line ${from + at}\n`).join("");

Deno.test("OutputTail keeps the last 20 lines, finished or not", () => {
  assertEquals(tailOf(), "");
  assertEquals(tailOf("a"), "a");
  assertEquals(tailOf("a\n", "b"), "a\nb");
  assertEquals(tailOf("\n\n"), "\n\n");
  assertEquals(tailOf(lines(0, 20)), lines(0, 20));
  assertEquals(tailOf(lines(0, 21)), lines(1, 21));
  assertEquals(tailOf(lines(0, 20), "rest"), lines(1, 20) + "rest");
});

Deno.test("OutputTail keeps at most 4 KiB, of whole lines where there are some", () => {
  const long = "x".repeat(999) + "\n";
  assertEquals(tailOf(...Array(10).fill(long)), long.repeat(4));
  assertEquals(tailOf("y".repeat(10_000), "\n"), "y".repeat(4_095) + "\n");
  assertEquals(tailOf("y".repeat(60_000)), "y".repeat(4_096));
  assertEquals(tailOf("y".repeat(60_000), "\nend"), "end");
});

Deno.test("OutputTail gives the end of the whole, however that was cut into parts", () => {
  const whole = Array.from({ length: 300 }, (_, at) => `${"z".repeat(at % 97)} ${at}\n`).join("");
  const expected = tailOf(whole);
  assert(whole.endsWith(expected) && expected.length <= 4_096);
  for (let size = 1; size < 9_000; size = Math.ceil(size * 1.7)) {
    const parts = Array.from(
      { length: Math.ceil(whole.length / size) },
      (_, at) => whole.slice(at * size, (at + 1) * size),
    );
    assertEquals(tailOf(...parts), expected, `parts of ${size}`);
  }
});
