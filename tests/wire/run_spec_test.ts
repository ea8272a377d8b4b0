// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { formatRunSpec, parseRunSpec, type RunSpec } from "../../src/wire/run_spec.ts";
import { ProtocolError } from "../../src/core/protocol_error.ts";

const manifest = { size: 3, pieces: ["ab".repeat(32)] };
const SPEC: RunSpec = {
  kind: "bundle",
  name: "main.ts",
  main: "main.js",
  manifest,
  args: ["--verbose", "", "ü"],
  env: { GREETING: "hello=there", EMPTY: "" },
  includes: [{ path: "data/words.txt", executable: false, manifest }],
};

Deno.test("parseRunSpec() reads what formatRunSpec() wrote", () => {
  assertEquals(parseRunSpec(formatRunSpec(SPEC)), SPEC);
  const executable: RunSpec = { ...SPEC, kind: "executable", main: "main", env: {}, includes: [] };
  assertEquals(parseRunSpec(formatRunSpec(executable)), executable);
  const apart: RunSpec = { ...SPEC, runtime: { name: "deploy-runtime-1.js", manifest } };
  assertEquals(parseRunSpec(formatRunSpec(apart)), apart);
});

Deno.test("parseRunSpec() leaves out what a spec has not", () => {
  assertEquals(parseRunSpec(JSON.stringify({ ...SPEC, extra: 1 })), SPEC);
});

for (
  const [what, change] of Object.entries({
    "another kind": { kind: "script" },
    "no name": { name: "" },
    "a name that is too long": { name: "n".repeat(300) },
    "a main file outside the folder": { main: "../main.js" },
    "an absolute main file": { main: "/main.js" },
    "a bundle that is no JavaScript": { main: "main" },
    "no manifest": { manifest: undefined },
    "a manifest of the wrong length": { manifest: { size: 3, pieces: [] } },
    "arguments that are none": { args: "abc" },
    "an argument that is no text": { args: [1] },
    "an argument with a NUL": { args: ["a\0b"] },
    "a variable with an impossible name": { env: { "A=B": "" } },
    "a variable without a name": { env: { "": "" } },
    "a variable that is no text": { env: { A: null } },
    "an environment that is none": { env: [] },
    "an included file outside the folder": {
      includes: [{ path: "a/../../b", executable: false, manifest }],
    },
    "a runtime that is none": { runtime: null },
    "a runtime without a manifest": { runtime: { name: "runtime.js" } },
    "a runtime in another folder": { runtime: { name: "../runtime.js", manifest } },
    "a runtime in the program's folder": { runtime: { name: "work/runtime.js", manifest } },
    "a runtime that is the program's folder": { runtime: { name: "work", manifest } },
    "two files with the same path": {
      includes: [{ path: "main.js", executable: false, manifest }],
    },
    "an included file that may be executable": {
      includes: [{ path: "a", executable: "maybe", manifest }],
    },
  })
) {
  Deno.test(`parseRunSpec() refuses ${what}`, () => {
    assertThrows(() => parseRunSpec(JSON.stringify({ ...SPEC, ...change })), ProtocolError);
  });
}

Deno.test("parseRunSpec() refuses what is no object, no JSON or too large", () => {
  for (const text of ["", "{", "null", "[]", "1", `"${"x".repeat(16 * 1024 * 1024)}"`]) {
    assertThrows(() => parseRunSpec(text), ProtocolError);
  }
});
