/** Ranges of ports, as text. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { parsePortRange } from "../../src/core/port_range.ts";

Deno.test("parsePortRange() reads the first and the last port, and nothing else", () => {
  assertEquals(parsePortRange("40000-40999"), { from: 40_000, to: 40_999 });
  assertEquals(parsePortRange("1-65535"), { from: 1, to: 65_535 });
  assertEquals(parsePortRange("80-80"), { from: 80, to: 80 });
  for (
    const text of ["", "80", "80-", "-80", "81-80", "0-80", "80-65536", "a-b", "80-81-82", "8 - 9"]
  ) {
    assertThrows(() => parsePortRange(text), SyntaxError, JSON.stringify(text), text);
  }
});
