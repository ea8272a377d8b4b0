/** Which packages the bundler enters by another file than `deno run`. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import {
  modulesInError,
  type PackageEntries,
  packagesWithOtherEntry,
} from "../../src/build/main_entries.ts";

const P = "file:///w/node_modules/p/";

Deno.test("packagesWithOtherEntry() finds packages whose module is in a bundle instead of their main", () => {
  const table: [entries: PackageEntries | undefined, modules: string[], found: boolean][] = [
    [{ main: "a.js", module: "b.mjs" }, ["b.mjs"], true],
    [{ main: "./a", module: "./lib/b" }, ["lib/b.js", "x.js"], true],
    [{ module: "b" }, ["b/index.js"], true],
    [{ main: "a.js", module: "b.mjs" }, ["a.js"], false],
    [{ main: "a.js", module: "b.mjs", exports: "./b.mjs" }, ["b.mjs"], false],
    [{ main: "b.mjs", module: "b.mjs" }, ["b.mjs"], false],
    [{ main: "b.mjs", module: "" }, ["b.mjs"], false],
    [{ main: "a.js", module: true }, ["true"], false],
    [undefined, ["b.mjs"], false],
  ];
  for (const [entries, modules, found] of table) {
    const hrefs = ["file:///w/main.ts", ...modules.map((path) => P + path)];
    const read = (href: string) => href === `${P}package.json` ? entries : undefined;
    assertEquals(packagesWithOtherEntry(hrefs, read), found ? [P] : [], JSON.stringify(entries));
  }
});

Deno.test("modulesInError() reads the modules that an error of the bundler names", () => {
  const details =
    'error: No matching export in "../cache/npm/r/p/1.0.0/b.es.js" for import "default"\n' +
    '    at file:///w/src/main.ts:1:7\nerror: Could not resolve "./x.json"';
  assertEquals(modulesInError(details, "file:///w/src/"), [
    "file:///w/cache/npm/r/p/1.0.0/b.es.js",
  ]);
});
