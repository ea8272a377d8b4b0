/** What is missing from a bundle, as shown by its text. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { noteMissing } from "../../src/build/bundle_notes.ts";

function warnings(code: string, ...sources: string[]): readonly string[] {
  return noteMissing(code, sources).warnings;
}

const QUIET: readonly string[] = [
  'await import("node:fs");',
  'await import("https://example.com/mod.js");',
  "await import('./known.ts');",
  'console.log("import(name)");',
  "this.import(name); $import(name); reimport(name);",
  'new URL("https://example.com", import.meta.url);',
  'new URL("./file.txt", base);',
  'import x from "./not.node.ts"',
];

for (const line of QUIET) {
  Deno.test(`noteMissing() reports nothing for ${line}`, () => {
    assertEquals(noteMissing(`// main.ts\n${line}\n`, []), { addOns: [], warnings: [] });
  });
}

Deno.test("noteMissing() reports imports that are only known at run time", () => {
  const expected = [
    "main.ts: an import() whose module is only known at run time is not in the bundle: " +
    "use --release, and --include for the file",
  ];
  for (const argument of ["name", "`./${name}.ts`", "  pick(names)", ""]) {
    assertEquals(warnings(`// lib.ts\n\n// main.ts\nawait import(${argument}\n`), expected);
  }
  assertEquals(warnings("// ../npm/registry/pack/1.0.0/a.js\nawait import(name);\n"), []);
  assertEquals(warnings("// node_modules/pack/a.js\nawait import(name);\n"), []);
  assertEquals(warnings("// main.ts\nimport(a);\nimport(b);\n"), expected);
});

Deno.test("noteMissing() reports files that a module locates relative to itself", () => {
  assertEquals(
    warnings(
      '// main.ts\nnew Worker(new URL("./work.ts", import.meta.url), { type: "module" });\n',
    ),
    ["main.ts: ./work.ts is not in the bundle: ship it with --include"],
  );
});

Deno.test("noteMissing() reports native add-ons", () => {
  const found = { addOns: ["b.node"], warnings: [] };
  assertEquals(noteMissing('// a.cjs\nvar b = __require("/home/ada/b.node");\n', []), found);
  assertEquals(noteMissing('// a.ts\nimport b from "/home/ada/b.node";\n', []), found);
  assertEquals(warnings('// a.ts\nvar b = require2("./b.node");\n'), [
    "a.ts: ./b.node is a native add-on: use --release, and --include for the file",
  ]);
  const loaders = [
    "npm:node-gyp-build@4.8.0/index.js",
    "npm:@mapbox/node-pre-gyp@1.0.0/lib/a.js",
    "node_modules/bindings/bindings.js",
  ];
  for (const loader of loaders) assertEquals(warnings("", "main.ts", loader).length, 1, loader);
  assertEquals(warnings("", "lib/keybindings/a.ts", "bindings.ts"), []);
});
