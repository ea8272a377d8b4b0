/** Suggestions for misspelt words. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { listed, nearWord } from "../../src/cli/near.ts";

Deno.test("nearWord() finds misspellings and prefixes, and nothing farther away", () => {
  const known = ["include", "inspect", "mem", "cpu", "secret-file"];
  const table: [word: string, found: string | undefined][] = [
    ["include", "include"],
    ["inclde", "include"],
    ["includee", "include"],
    ["incluse", "include"],
    ["inlcude", "include"],
    ["inc", "include"],
    ["in", undefined], // include, or inspect
    ["i", undefined],
    ["secret", "secret-file"],
    ["men", "mem"],
    ["cup", "cpu"],
    ["upc", undefined],
    ["exclude", undefined],
    ["", undefined],
  ];
  for (const [word, found] of table) assertEquals(nearWord(word, known), found, word);
});

Deno.test("listed() reads like a sentence", () => {
  assertEquals([[], ["a"], ["a", "b"], ["a", "b", "c"]].map(listed), [
    "",
    "a",
    "a or b",
    "a, b or c",
  ]);
});
