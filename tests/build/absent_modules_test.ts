/** Modules that are not there: in the errors of the bundler, and in a bundle. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { absentInErrors, importsAtStart, loadCallAt } from "../../src/build/absent_modules.ts";
import { readTokens } from "../../src/build/js_tokens.ts";

Deno.test("absentInErrors() names what the project lacks, and nothing that packages lack", () => {
  const details = `error: Import 'file:///home/ada/p/a%20b.ts' failed, not found.
    at file:///home/ada/p/main.ts:4:15
error: Import "@unknown/lib" not a dependency and not in import map from "file:///home/ada/p/main.ts"
    at file:///home/ada/p/main.ts:9:15
error: Import "deploy/pool" not a dependency
    at file:///home/ada/p/main.ts:1:7
error: Module not found "file:///home/ada/p/lib/gone.json".
    at file:///home/ada/p/main.ts:6:20
error: Cannot read file: /home/ada/p/gone
    at file:///home/ada/p/lib.cjs:2:10
error: Cannot read file: /home/ada/p/node_modules/x/gone
    at file:///home/ada/p/node_modules/x/index.js:2:10
error: bundling failed`;
  assertEquals(absentInErrors(details), [
    "/home/ada/p/a b.ts",
    "@unknown/lib",
    "/home/ada/p/lib/gone.json",
    "/home/ada/p/gone",
  ]);
  assertEquals(absentInErrors("error: Expression expected\n    at file:///p/main.ts:1:19"), []);
});

for (
  const [code, expected] of [
    ['import { a } from "/p/gone.ts";\n', true],
    ['import "/p/gone.ts";\n', true],
    ['var x = 1;\nimport "/p/gone.ts";\n', true],
    ['export { a } from "/p/gone.ts";\n', true],
    ['import { a } from "/p/other.ts";\n', false],
    ['await import("/p/gone.ts");\n', false],
    ['__require("/p/gone.ts");\n', false],
  ] as const
) {
  Deno.test(`importsAtStart() of ${JSON.stringify(code)} is ${expected}`, () => {
    assertEquals(importsAtStart(code, ["/p/gone.ts"]), expected);
  });
}

for (
  const [code, expected] of [
    ['import("/p/a.ts")', ["import", "/p/a.ts"]],
    ['import("/p/a.json", { with: { type: "json" } })', ["import", "/p/a.json"]],
    ['__require("/p/a")', ["require", "/p/a"]],
    ['__require.resolve("/p/a")', undefined],
    ['import("/p/" + name)', undefined],
    ["import(name)", undefined],
    ['other.import("/p/a.ts")', undefined],
    ['__require.cache["/p/a"]', undefined],
    ["import.meta.url", undefined],
  ] as const
) {
  Deno.test(`loadCallAt() in ${code}`, () => {
    const tokens = readTokens(code);
    const [call] = tokens.flatMap((_, index) => loadCallAt(tokens, index) ?? []);
    assertEquals(call && [call.by, call.name], expected as [string, string] | undefined);
  });
}
