/** Functions and classes that a bundler renamed get their names back. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { readTokens } from "../../src/build/js_tokens.ts";
import { edited, Mappings } from "../../src/build/mappings.ts";
import { NAME_HELPER, restoreNames } from "../../src/build/names.ts";
import { mapped } from "./mapped.ts";

const ORIGINAL = {
  work2: "work",
  _TimeoutError: "TimeoutError",
  TimeoutError2: "TimeoutError",
  main_default: "function",
};

/** Code of a bundle, and an expression for what is to be called as in the source. */
const CASES: readonly [code: string, expression: string, name: string][] = [
  ["function work2() {\n}", "work2", "work"],
  ["async function work2(a = { b: 1 }) {\n  return { a };\n}", "work2", "work"],
  ["function* work2() {\n}", "work2", "work"],
  ["const it = [function work2() {\n}];", "it[0]", "work"],
  ["const it = async function* work2() {\n};", "it", "work"],
  ["const work2 = (a, b = [1]) => a + b, other = 1;", "work2", "work"],
  ["const work2 = async () => {\n};", "work2", "work"],
  ["let work2;\nwork2 = function() {\n};", "work2", "work"],
  ["const work2 = class {\n};", "work2", "work"],
  ["const it = { work2: 1, f: () => 1 };", "it.f", "f"],
  ["const it = {};\nit.work2 = () => 1;", "it.work2", ""],
  ["function main_default() {\n}", "main_default", "default"],
  [
    "const it = class _TimeoutError extends Error {\n  static seen = _TimeoutError.name;\n};",
    "({ name: it.seen })",
    "TimeoutError",
  ],
  ["class TimeoutError2 extends (class {\n}) {\n}", "TimeoutError2", "TimeoutError"],
  ["class TimeoutError2 {\n  static name = 1;\n}", "({ name: String(TimeoutError2.name) })", "1"],
  ["class TimeoutError2 {\n  static get name() {\n    return `x`;\n  }\n}", "TimeoutError2", "x"],
  ["function kept2() {\n}", "kept2", "kept2"],
  ["const it = () => { function work2() {} return work2; };", "it()", "work"],
];

for (const [code, expression, name] of CASES) {
  Deno.test(`${expression} of ${JSON.stringify(code)} is called ${name}`, () => {
    const bundle = mapped(`// main.ts\n${code}\n`, ORIGINAL);
    const edits = restoreNames({
      tokens: readTokens(bundle.code),
      mappings: new Mappings(bundle),
      map: bundle.map,
    });
    const text = `${NAME_HELPER}\n${edited(bundle, edits).code}\nreturn (${expression}).name;`;
    assertEquals(new Function(text)(), name, text);
  });
}

Deno.test("what has its name is left alone", () => {
  const bundle = mapped("// main.ts\nconst f1 = () => 1;\nclass _A {\n}\nfunction g2() {\n}\n");
  const tokens = readTokens(bundle.code);
  assertEquals(restoreNames({ tokens, mappings: new Mappings(bundle), map: bundle.map }), []);
});
