/** The errors of deno bundle that are no reason to give up. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { lackingOfPackages } from "../../src/build/deno_bundle.ts";

Deno.test("lackingOfPackages() names what packages lack, and nothing that the project lacks", () => {
  const details = `error: Could not resolve "gone/x"
    at file:///home/ada/p/node_modules/words/i.js:10:17
    note: You can mark the path "gone/x" as external
error: Could not convert path to URL.
  Path: source-map-support
    at file:///home/ada/.cache/deno/npm/registry.npmjs.org/typescript/5.5.4/lib/typescript.js:8338:20
error: Could not resolve "mine"
    at file:///home/ada/p/main.ts:1:7
error: bundling failed`;
  assertEquals(lackingOfPackages(details), ["gone/x", "source-map-support"]);
  assertEquals(lackingOfPackages("error: bundling failed"), []);
});
