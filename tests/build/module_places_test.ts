/** Modules keep their places: what they say about themselves in a bundle is what `deno run` says. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { build } from "../../src/build/build.ts";

const FILES: Record<string, string> = {
  "deno.json": '{ "imports": { "@lib/": "./src/lib/", "chunk": "npm:deno-std@1.4.0", ' +
    '"chunk/late.ts": "./src/lib/late.ts" } }',
  "src/main.ts": `
import { createRequire } from "node:module";
import process from "node:process";
import * as x from "@lib/x.ts";
import { Same as Other, same as other } from "@lib/x.ts";
import cjs from "./lib/c.cjs";
import "./lib/strict.cjs";

function same() {}
class Same { static self = Same; }
const { url, dirname } = import.meta;
const meta = import.meta;
const late = await import("./lib/late.ts");
const tell = (what: string, ...values: unknown[]) => console.log(what, JSON.stringify(values));
tell("main", url, dirname, meta.filename, meta.main, meta.resolve("./lib/x.ts"));
tell("resolve", meta.resolve("../a b.ts"), meta.resolve("/a"), meta.resolve("node:fs"));
tell("mapped", meta.resolve("@lib/x.ts"), meta.resolve("chunk"), meta.resolve("chunk/late.ts"));
for (const name of ["@other/x", "nothing"]) {
  try {
    meta.resolve(name);
  } catch (error) {
    tell("unknown", String(error));
  }
}
tell("keys", Object.keys(meta).sort(), Object.getPrototypeOf(meta), String(import.meta.url));
tell("x", x.text, x.meta.filename, x.meta.main, x.read(), "import.meta.url", \`\${meta.dirname}\`);
tell("late", late.url, late.template);
tell("names", same.name, Same.name, other.name, Other.name, Other.self.name, x.failed.name);
tell("cjs", cjs);
tell("required", createRequire(import.meta.url)("./lib/data.json"));
tell("main module", Deno.mainModule, process.argv[1]);
`,
  "src/lib/x.ts": `
export const meta = import.meta;
export const text: string = \`\${import.meta.url} import.meta.url\` + /import.meta/.test("");
export const read = () => JSON.parse(Deno.readTextFileSync(new URL("./data.json", import.meta.url)));
export function same() {}
export class Same { static self = Same; }
export class failed extends Error { static zero = new failed("0"); }
`,
  "src/lib/late.ts": `
export const url = import.meta.url;
export const template = \`a \${[import.meta.dirname].map((it) => \`\${it}\`)} b\`;
`,
  "src/lib/data.json": '{ "v": 7 }',
  "src/lib/c.cjs": `
const inner = require("./inner/d.cjs");
module.exports = {
  file: __filename, folder: __dirname, isMain: require.main === module, inner,
  own: module.filename, id: module.id, path: module.path, key: { __dirname: 1 },
  resolved: require.resolve("./data.json"), read: require("fs").existsSync(__dirname + "/data.json"),
};
`,
  "src/lib/inner/d.cjs": "exports.file = __filename;\n",
  "src/lib/strict.cjs": `"use strict";\nvar __dirname = "mine";\nexports.mine = __dirname;\n`,
};

const MAIN_CJS = {
  "main.cjs": `
const other = require("./lib/other.cjs");
console.log(require.main === module, other.isMain, other.main, __filename, module.id);
`,
  "lib/other.cjs": `
exports.isMain = require.main === module;
exports.main = require.main.filename;
`,
};

/** Runs a program of the project here, and its bundle where a node would put it. */
async function both(
  files: Record<string, string>,
  { program, named }: { program: string; named: readonly string[] },
): Promise<{ here: string; there: string }> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "deploy-places " }));
  try {
    const put = async (path: string, text: string) => {
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      await Deno.writeTextFile(path, text);
    };
    for (const [name, text] of Object.entries(files)) await put(`${folder}/here/${name}`, text);
    const run = `${folder}/there`;
    await Deno.mkdir(`${run}/work`, { recursive: true });
    const built = await build({
      program: `${folder}/here/${program}`,
      folder: run,
      place: program,
    });
    assertEquals(built.warnings, []);
    for (const name of named) await put(`${run}/work/${name}`, files[name]!);
    await Deno.remove(`${folder}/here`, { recursive: true });
    const there = await output([built.path], `${run}/work`);
    for (const [name, text] of Object.entries(files)) await put(`${folder}/here/${name}`, text);
    const here = await output([`${folder}/here/${program}`], `${folder}/here`);
    return { here, there };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What a program prints, with \`<root>\` for its project. */
async function output(args: readonly string[], root: string): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", ...args],
    cwd: root,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  const encoded = encodeURI(root);
  return (text.decode(stdout) + text.decode(stderr)).replaceAll(encoded, "<root>")
    .replaceAll(root, "<root>");
}

Deno.test("each module of a bundle has its own place, names and CommonJS variables", async () => {
  const { here, there } = await both(FILES, {
    program: "src/main.ts",
    named: ["src/lib/data.json"],
  });
  assertEquals(there.split("\n"), here.split("\n"));
});

Deno.test("a bundled CommonJS program is its own main module", async () => {
  const { here, there } = await both(MAIN_CJS, { program: "main.cjs", named: [] });
  assertEquals(there, here);
});
