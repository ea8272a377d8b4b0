/** A map leads to files, and not to what deno has printed of them. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertStrictEquals } from "@std/assert";
import { Mappings } from "../../src/build/mappings.ts";
import { leadToFiles } from "../../src/build/printed_sources.ts";
import { mapped } from "./mapped.ts";

const BUNDLE = mapped("// a.cjs\none(two);\nthree();\n\n// b.ts\nfour();\n");

function mapTo(printed: string): typeof BUNDLE.map {
  return { ...BUNDLE.map, sources: ["a.cjs", "b.ts"], sourcesContent: [printed, "four();\n"] };
}

Deno.test("leadToFiles() finds the places of a file in other lines and columns", () => {
  const text = "/* 1 */\n\n  one (\n two\n), three ()";
  const map = leadToFiles(mapTo("one(two);\nthree();\n"), () => text);
  assertEquals(map.sourcesContent, [text, "four();\n"]);
  const { code } = BUNDLE;
  const mappings = new Mappings({ code, map });
  const at = (word: string) => mappings.at(code.indexOf(word));
  assertEquals(at("one"), { source: 0, line: 2, column: 2 });
  assertEquals(at("two"), { source: 0, line: 3, column: 1 });
  assertEquals(at("three"), { source: 0, line: 4, column: 3 });
  assertEquals(at("four"), { source: 1, line: 0, column: 0 });
});

Deno.test("leadToFiles() leaves a map alone where a file is what was printed, is not there, or has other code", () => {
  const printed = "one(two);\nthree();\n";
  for (const text of [printed, undefined, "one(2);\nthree();\n", "one(two);\n", "/* one( */"]) {
    const map = mapTo(printed);
    assertStrictEquals(leadToFiles(map, () => text), map);
  }
});
