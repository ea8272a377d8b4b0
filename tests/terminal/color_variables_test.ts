/** The colour variables of processes. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { colorVariables } from "../../src/terminal/color_variables.ts";
import type { OutputFormat } from "../../src/terminal/formats.ts";

Deno.test("colorVariables() follows the user, then the terminal, then the format", () => {
  const [yes, no] = [{ FORCE_COLOR: "1" }, { NO_COLOR: "1" }];
  const table: [OutputFormat, set: Record<string, string>, isTerminal: boolean, unknown][] = [
    ["human", {}, true, yes],
    ["human", {}, false, no],
    ["lines", {}, true, yes],
    ["lines", {}, false, no],
    ["json", {}, true, no],
    ["json", {}, false, no],
    ["human", { NO_COLOR: "yes" }, true, { NO_COLOR: "yes" }],
    ["human", { NO_COLOR: "" }, true, yes],
    ["json", { FORCE_COLOR: "3" }, false, { FORCE_COLOR: "3" }],
    ["human", { FORCE_COLOR: "0", NO_COLOR: "1" }, true, { NO_COLOR: "1", FORCE_COLOR: "0" }],
  ];
  for (const [format, set, isTerminal, expected] of table) {
    const variable = (name: string) => set[name];
    assertEquals(colorVariables(format, variable, isTerminal), expected, JSON.stringify(set));
  }
});
