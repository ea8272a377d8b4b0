/** Source maps of bundles, line by line. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import type { Entry } from "../../src/build/entry.ts";
import { sourceUrl } from "../../src/build/module_place.ts";
import {
  alignLines,
  joinMap,
  nameSources,
  prependLine,
  shownName,
  type SourceMap,
  splitMap,
  traceName,
} from "../../src/build/source_map.ts";

const SHIM = "var __require = __deno_internal_createRequire(import.meta.url);";

function map(mappings: string, ...sources: string[]): SourceMap {
  return { version: 3, sources, mappings };
}

function entry(root: string, folder: string): Entry {
  const rootUrl = `file://${root}`;
  return { folder, name: "main.ts", root, config: undefined, flags: [], rootUrl, shown: "main.ts" };
}

Deno.test("splitMap() and joinMap() are inverses", () => {
  const parts = { code: 'console.log("ä");\n', map: map(";AAAA", "größe/日本/🙂.ts") };
  const text = joinMap(parts);
  assertEquals(splitMap(text), parts);
  // A comment in the program that looks like a map is none.
  const twice = { ...parts, code: text };
  assertEquals(splitMap(joinMap(twice)), twice);
  assertEquals(splitMap(parts.code), undefined);
});

Deno.test("prependLine() moves the lines down, or replaces a #! line", () => {
  assertEquals(
    prependLine("first();", { code: "second();\n", map: map("AAAA") }),
    { code: "first();\nsecond();\n", map: map(";AAAA") },
  );
  assertEquals(
    prependLine("$&();", { code: "#!/usr/bin/deno\nsecond();\n", map: map(";AAAA") }),
    { code: "$&();\nsecond();\n", map: map(";AAAA") },
  );
});

Deno.test("alignLines() restores the removed lines, and only those", () => {
  const cut = `#!x\nimport y;\n${SHIM}\n\n// a.ts\na();\n`;
  const whole = `#!x\nimport y;\n${SHIM}\n\n\n\n\n// a.ts\na();\n`;
  const mapped = map(";;;;;;;;AAAA", "a.ts");
  assertEquals(alignLines({ code: cut, map: mapped }), { code: whole, map: mapped });
  assertEquals(alignLines({ code: whole, map: mapped }), { code: whole, map: mapped });
  const without = { code: "// a.ts\na();\n", map: map(";AAAA", "a.ts") };
  assertEquals(alignLines(without), without);
});

/** A source as deno names it, what a trace calls it, and what messages do, if that differs. */
const NAMES: readonly [source: string, trace: string, shown?: string][] = [
  ["main.ts", "file:///home/ada/program/src/main.ts", "src/main.ts"],
  ["../lib/util.ts", "file:///home/ada/program/lib/util.ts", "lib/util.ts"],
  ["a b#1?.ts", "file:///home/ada/program/src/a%20b%231%3F.ts", "src/a%20b%231%3F.ts"],
  ["../../other/mod.ts", "file:///home/ada/other/mod.ts"],
  ["../../program-2/mod.ts", "file:///home/ada/program-2/mod.ts"],
  ["https://example.com/mod.ts", "https://example.com/mod.ts"],
  [
    "../../.cache/deno/npm/registry.npmjs.org/@scope/pack/1.2.3-rc.1/lib/a.js",
    "npm:@scope/pack@1.2.3-rc.1/lib/a.js",
  ],
  ["../../.cache/deno/npm/localhost_4873/pack/1.2.3/a.js", "npm:pack@1.2.3/a.js"],
];

for (const [source, trace, shown = trace] of NAMES) {
  Deno.test(`${source} is ${trace} in a trace, and ${shown} in messages`, () => {
    const program = entry("/home/ada/program", "/home/ada/program/src");
    const href = sourceUrl(source, program);
    assertEquals([traceName(href), shownName(href, program)], [trace, shown]);
  });
}

Deno.test("nameSources() leaves out their texts", () => {
  const named = nameSources({ ...map("AAAA", "a.ts"), sourcesContent: ["text"] }, ["file:///a.ts"]);
  assertEquals(named, map("AAAA", "file:///a.ts"));
});
