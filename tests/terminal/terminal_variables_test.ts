/** What a program's processes are told about the terminal that shows them. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { describingVariables, widthVariables } from "../../src/terminal/terminal_variables.ts";

Deno.test("describingVariables() takes the terminal and the language, and nothing else", () => {
  const here: Record<string, string> = {
    TERM: "xterm",
    LANG: "de_AT.UTF-8",
    LC_TIME: "C",
    LC_ALL: "",
    TZ: "Europe/Vienna",
    HOME: "/home/ada",
  };
  assertEquals(describingVariables((name) => here[name]), {
    TERM: "xterm",
    LANG: "de_AT.UTF-8",
    LC_ALL: "",
    LC_TIME: "C",
  });
});

Deno.test("widthVariables() leaves room for the indent", () => {
  const none = () => undefined;
  assertEquals(widthVariables("human", none, 80), { COLUMNS: "77" });
  assertEquals(widthVariables("human", none, 2), { COLUMNS: "1" });
  assertEquals(widthVariables("human", none, undefined), {});
  // The name of the process takes room that differs from line to line.
  assertEquals(widthVariables("lines", none, 80), {});
  assertEquals(widthVariables("json", none, 80), {});
  for (const format of ["human", "lines", "json"] as const) {
    assertEquals(widthVariables(format, () => "40", 80), { COLUMNS: "40" });
    assertEquals(widthVariables(format, () => "", undefined), {});
  }
});
