/** Tables for people. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { formatAge, tableLines } from "../../src/terminal/table.ts";

Deno.test("tableLines() aligns columns, and cuts lines at the width of the terminal", () => {
  const rows = [["bafo-kine", "a", "me@here"], ["b", "größer", "you@there"]];
  assertEquals(tableLines(["RUN", "NAME", "BY"], rows, undefined), [
    "RUN        NAME    BY",
    "bafo-kine  a       me@here",
    "b          größer  you@there",
  ]);
  assertEquals(tableLines(["RUN", "NAME", "BY"], rows, 22), [
    "RUN        NAME    BY",
    "bafo-kine  a       me…",
    "b          größer  yo…",
  ]);
  assertEquals(tableLines(["RUN"], [], 80), ["RUN"]);
  // Some characters take two columns.
  const wide = [["日本", "a"], ["b", "日本語"]];
  assertEquals(tableLines(["RUN", "BY"], wide, 9), ["RUN   BY", "日本  a", "b     日…"]);
});

Deno.test("formatAge() takes the largest unit of which there is one", () => {
  const table = [[-1, "0s"], [59_999, "59s"], [60_000, "1m"], [7_199_999, "1h"], [
    172_800_000,
    "2d",
  ]];
  for (const [ms, text] of table) assertEquals(formatAge(ms as number), text);
});
