/** Looking up places in a source map, and editing the code that it is about. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { edited, Mappings, moved } from "../../src/build/mappings.ts";
import { mapped } from "./mapped.ts";

const BUNDLE = mapped("helper();\n\n// a.ts\none(two);\n\n// b.ts\nthree();\n  four(five);\n");

function offset(code: string, word: string): number {
  return code.indexOf(word);
}

Deno.test("a place is that of the source, or of the last one mapped before it", () => {
  const mappings = new Mappings(BUNDLE);
  const { code } = BUNDLE;
  assertEquals(mappings.before(offset(code, "helper")), undefined);
  assertEquals(mappings.at(offset(code, "two")), { source: 0, line: 0, column: 4 });
  assertEquals(mappings.at(offset(code, "two") + 1), undefined);
  assertEquals(mappings.before(offset(code, "two") + 1), { source: 0, line: 0, column: 4 });
  assertEquals(mappings.after(offset(code, "// b.ts")), { source: 1, line: 0, column: 0 });
  assertEquals(mappings.at(offset(code, "five")), { source: 1, line: 1, column: 7 });
  assertEquals(mappings.after(code.length), undefined);
});

Deno.test("edited() moves what is behind an edit, in its line only", () => {
  const { code } = BUNDLE;
  const two = offset(code, "two");
  const after = edited(BUNDLE, [
    { start: two, end: two, text: "wrap(" },
    { start: two + 3, end: two + 3, text: ")" },
    { start: offset(code, "one"), end: offset(code, "one") + 3, text: "i" },
    { start: offset(code, "four"), end: offset(code, "four") + 4, text: "fourteen" },
  ]);
  assertEquals(
    after.code,
    "helper();\n\n// a.ts\ni(wrap(two));\n\n// b.ts\nthree();\n  fourteen(five);\n",
  );
  const [before, mappings] = [new Mappings(BUNDLE), new Mappings(after)];
  for (const word of ["two", "three", "five"]) {
    assertEquals(mappings.at(offset(after.code, word)), before.at(offset(code, word)), word);
  }
  assertEquals(mappings.at(offset(after.code, "fourteen")), before.at(offset(code, "four")));
  assertEquals(edited(BUNDLE, []), BUNDLE);
});

Deno.test("moved() leaves the places in the code, and changes only the origins that are to be moved", () => {
  const { code, map } = BUNDLE;
  assertEquals(moved(map.mappings, (origin) => origin), map.mappings);
  const mappings = moved(
    map.mappings,
    (origin) => origin.source === 0 ? { source: 0, line: 99, column: origin.column + 5 } : origin,
  );
  const [before, after] = [BUNDLE, { code, map: { ...map, mappings } }].map((it) =>
    new Mappings(it)
  );
  assertEquals(after!.at(offset(code, "two")), { source: 0, line: 99, column: 9 });
  for (const word of ["three", "four", "five"]) {
    assertEquals(after!.at(offset(code, word)), before!.at(offset(code, word)), word);
  }
});
