// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  decodeRunSpec,
  encodeRunSpec,
  MAX_SPEC_BYTES,
  type RunSpec,
} from "../../src/wire/run_spec.ts";
import { encode } from "../../src/codec/value_encoder.ts";
import { packManifest, PIECE_BYTES } from "../../src/core/manifest.ts";
import { EMPTY_TREE } from "../../src/core/tree.ts";
import { ProtocolError } from "../../src/core/errors.ts";

const file = { size: 3, pieces: ["ab".repeat(32)] };
const manifest = packManifest(file);
const SPEC: RunSpec = {
  kind: "bundle",
  name: "main.ts",
  main: "main.js",
  cwd: "src/tools",
  manifest: file,
  args: ["--verbose", "", "ü"],
  env: { GREETING: "hello=there", EMPTY: "" },
  tree: {
    folders: [{ path: "data/empty", mode: 0o755 }],
    links: [{ path: "data/link", target: "../src" }],
    packs: [{ manifest: file, files: [{ path: "data/words.txt", mode: 0o600, size: 3 }] }],
  },
};

/** A packed tree with one file. */
function treeOf(path: string): unknown {
  return { ...EMPTY_TREE, packs: [{ manifest, files: [{ path, mode: 0o644, size: 3 }] }] };
}

/** The input of a spec's encoding. */
function packed(spec: RunSpec): Record<string, unknown> {
  const packs = spec.tree.packs.map((pack) => ({
    ...pack,
    manifest: packManifest(pack.manifest),
  }));
  return { ...spec, manifest: packManifest(spec.manifest), tree: { ...spec.tree, packs } };
}

Deno.test("decodeRunSpec() reads what encodeRunSpec() wrote", () => {
  assertEquals(decodeRunSpec(encodeRunSpec(SPEC)), SPEC);
  const executable: RunSpec = {
    ...SPEC,
    kind: "executable",
    main: "main",
    env: {},
    tree: EMPTY_TREE,
  };
  assertEquals(decodeRunSpec(encodeRunSpec(executable)), executable);
  const apart: RunSpec = { ...SPEC, runtime: { name: "deploy-runtime-1.js", manifest: file } };
  assertEquals(decodeRunSpec(encodeRunSpec(apart)), apart);
  assertEquals(decodeRunSpec(encodeRunSpec({ ...SPEC, oneOutput: true })), {
    ...SPEC,
    oneOutput: true,
  });
  const inspected: RunSpec = { ...SPEC, inspection: { names: ["worker"], breaks: true } };
  assertEquals(decodeRunSpec(encodeRunSpec(inspected)), inspected);
});

Deno.test("decodeRunSpec() omits missing fields", () => {
  assertEquals(decodeRunSpec(encode({ ...packed(SPEC), extra: 1 })), SPEC);
});

for (
  const [what, change] of Object.entries({
    "another kind": { kind: "script" },
    "no name": { name: "" },
    "a name that is too long": { name: "n".repeat(300) },
    "a main file outside the folder": { main: "../main.js" },
    "an absolute main file": { main: "/main.js" },
    "a bundle that is no JavaScript": { main: "main" },
    "a main file that is the folder of the project": { kind: "executable", main: "work" },
    "no working directory": { cwd: null },
    "a working directory outside the project": { cwd: "../src" },
    "no manifest": { manifest: undefined },
    "a manifest of the wrong length": { manifest: { size: 3, hashes: new Uint8Array() } },
    "a manifest that is not packed": { manifest: file },
    "arguments that are none": { args: "abc" },
    "an argument that is no text": { args: [1] },
    "an argument with a NUL": { args: ["a\0b"] },
    "a variable with an impossible name": { env: { "A=B": "" } },
    "a variable without a name": { env: { "": "" } },
    "a variable that is no text": { env: { A: null } },
    "an environment that is none": { env: [] },
    "no tree": { tree: null },
    "a tree without folders": { tree: { links: [], packs: [] } },
    "a folder without a mode": { tree: { ...EMPTY_TREE, folders: [{ path: "a" }] } },
    "a link without a target": { tree: { ...EMPTY_TREE, links: [{ path: "a" }] } },
    "a pack without files": { tree: { ...EMPTY_TREE, packs: [{ manifest }] } },
    "a pack without a manifest": { tree: { ...EMPTY_TREE, packs: [{ files: [] }] } },
    "a file outside the project": { tree: treeOf("a/../../b") },
    "a file that is the working directory": { tree: treeOf("src/tools") },
    "an output that is no yes or no": { oneOutput: 1 },
    "an inspection that is none": { inspection: true },
    "an inspection without names": { inspection: { breaks: true } },
    "a runtime that is none": { runtime: null },
    "a runtime without a manifest": { runtime: { name: "runtime.js" } },
    "a runtime in another folder": { runtime: { name: "../runtime.js", manifest } },
    "a runtime in the project": { runtime: { name: "work/runtime.js", manifest } },
    "a runtime that is the project": { runtime: { name: "work", manifest } },
    "two files with the same path": {
      main: "work/main.js",
      tree: treeOf("main.js"),
    },
    "a main file below another file": { main: "work/a/main.js", tree: treeOf("a") },
  })
) {
  Deno.test(`decodeRunSpec() refuses ${what}`, () => {
    assertThrows(() => decodeRunSpec(encode({ ...packed(SPEC), ...change })), ProtocolError);
  });
}

Deno.test("decodeRunSpec() refuses bytes that are not an encoded object, or too large", () => {
  for (const value of [null, [], 1, "{}", new Map(), undefined]) {
    assertThrows(() => decodeRunSpec(encode(value)), ProtocolError);
  }
  const whole = encodeRunSpec(SPEC);
  for (const bytes of [new Uint8Array(), whole.slice(0, -1), new Uint8Array(100).fill(255)]) {
    assertThrows(() => decodeRunSpec(bytes), ProtocolError);
  }
  const large = encode({ ...packed(SPEC), extra: new Uint8Array(MAX_SPEC_BYTES) });
  assertThrows(() => decodeRunSpec(large), ProtocolError, "bytes");
});

Deno.test("an encoded spec has 32 bytes for each piece of a file, and not much more", () => {
  const pieces = Array.from({ length: 706 }, (_, i) => i.toString(16).padStart(64, "0"));
  const executable: RunSpec = {
    ...SPEC,
    kind: "executable",
    manifest: { size: 706 * PIECE_BYTES, pieces },
  };
  assertEquals(decodeRunSpec(encodeRunSpec(executable)), executable);
  const { length } = encodeRunSpec(executable);
  assert(length < 706 * 32 + 512, `${length} bytes`);
});
