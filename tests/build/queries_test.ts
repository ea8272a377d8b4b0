/** Imports with queries. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { findQueries } from "../../src/build/queries.ts";

function queries(files: Record<string, string>) {
  const sources = Object.entries(files)
    .map(([name, text]) => ({ name, href: `file:///p/${name}`, text }));
  const { of, problem } = findQueries(sources);
  return { of: Object.fromEntries(of), problem };
}

Deno.test("findQueries() finds the query by which a module is imported", () => {
  const table: [text: string, of: Record<string, string>][] = [
    ['import { a } from "./lib/a.ts?x=1";', { "file:///p/lib/a.ts": "?x=1" }],
    ["await import('./lib/a.ts?x#y');", { "file:///p/lib/a.ts": "?x#y" }],
    ['import "./lib/a.ts?x=1";\nimport "./lib/a.ts?x=1";', { "file:///p/lib/a.ts": "?x=1" }],
    ['import "./lib/b.ts?x=1";', {}],
    ['import "./lib/a.ts"; fetch("./lib/a.ts?x=1");', {}],
  ];
  for (const [text, of] of table) {
    assertEquals(queries({ "main.ts": text, "lib/a.ts": "" }), { of, problem: undefined }, text);
  }
});

Deno.test("findQueries() reports a module that Deno has several times, with the lines", () => {
  const { problem } = queries({
    "main.ts": '\nimport "./a.ts?x=1";\nimport "./b.ts";',
    "b.ts": 'import { a }\n  from "./a.ts";',
    "a.ts": "",
  });
  assertEquals(
    problem,
    "b.ts:2: ./a.ts and ./a.ts?x=1 (main.ts:2) are two modules, of which a bundle can have one; " +
      "give one a file of its own, or use --release",
  );
});
