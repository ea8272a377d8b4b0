/** The ids of runs. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { isRunId, newRunId } from "../../src/run/run_id.ts";

Deno.test("newRunId() makes four syllables, and none that is taken", () => {
  const made = new Set<string>();
  for (let count = 0; count < 2_000; count++) {
    const id = newRunId(Math.random, (id) => made.has(id));
    assert(/^([bdfgklmnprstvz][aeiou]){2}-([bdfgklmnprstvz][aeiou]){2}$/.test(id), id);
    assert(isRunId(id), id);
    made.add(id);
  }
  assertEquals(made.size, 2_000);
  const numbers = [0, 0, 0, 0, 0.999, 0, 0, 0];
  assertEquals(newRunId(() => numbers.shift()!, (id) => id === "baba-baba"), "zuba-baba");
});

Deno.test("isRunId() refuses other names of folders", () => {
  for (
    const text of ["", "bafo", "bafokine", "bafo-kine-", "../bafo-kine", "BAFO-kine", "bafo-kinx"]
  ) {
    assertEquals(isRunId(text), false, text);
  }
});
