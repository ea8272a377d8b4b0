// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { columnsOf } from "../../src/terminal/columns.ts";

Deno.test("columnsOf() counts what a terminal shows", () => {
  const table: [text: string, columns: number][] = [
    ["", 0],
    ["abc", 3],
    ["äöü", 3],
    ["e\u0301", 1],
    ["日本", 4],
    ["한글", 4],
    ["🚀", 2],
    ["█░", 2],
    ["\x1b[1;38;5;196mred\x1b[0m", 3],
    ["\x1b]8;;https://example.com\x1b\\link\x1b]8;;\x07", 4],
    ["\x1b7\x1b(Ba", 1],
    ["a\tb", 2],
  ];
  for (const [text, columns] of table) assertEquals(columnsOf(text), columns, JSON.stringify(text));
});
