/** Modules keep their places: what they say about themselves in a bundle is what `deno run` says. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { build } from "../../src/build/build.ts";
import { Collector } from "../../src/build/collect.ts";
import { collectNamed } from "../../src/cli/collect_named.ts";

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
  program: string,
  { link, warned = [] }: {
    link?: readonly [target: string, path: string];
    /** The warnings of the build, with `<root>`. */
    warned?: readonly string[];
  } = {},
): Promise<{ here: string; there: string }> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "deploy-places " }));
  try {
    const put = async (path: string, text: string) => {
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      await Deno.writeTextFile(path, text);
    };
    const make = async () => {
      for (const [name, text] of Object.entries(files)) await put(`${folder}/here/${name}`, text);
      if (link !== undefined) await Deno.symlink(link[0], `${folder}/here/${link[1]}`);
    };
    await make();
    const run = `${folder}/there`;
    await Deno.mkdir(`${run}/work`, { recursive: true });
    const built = await build({
      program: `${folder}/here/${program}`,
      folder: run,
      place: program,
    });
    const collector = new Collector(`${folder}/here`);
    const warnings = await collectNamed(built.loose, {
      collector,
      root: `${folder}/here`,
      program,
      folder,
      signal: new AbortController().signal,
    });
    const said = [...built.warnings, ...warnings];
    assertEquals(said.map((line) => line.replace(`${folder}/here`, "<root>")), [...warned]);
    const { folders, files: collected } = collector.collected();
    for (const { path } of folders) await Deno.mkdir(`${run}/work/${path}`, { recursive: true });
    for (const { source, path } of collected) {
      await Deno.mkdir(`${run}/work/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.copyFile(source, `${run}/work/${path}`);
    }
    await Deno.remove(`${folder}/here`, { recursive: true });
    const there = await output([built.path], `${run}/work`);
    await make();
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
  const { here, there } = await both(FILES, "src/main.ts");
  assertEquals(there.split("\n"), here.split("\n"));
});

Deno.test("a bundled CommonJS program is its own main module", async () => {
  const { here, there } = await both(MAIN_CJS, "main.cjs");
  assertEquals(there, here);
});

/** A package that reads what lies beside its modules, in all the ways there are. */
const PACKAGE: Record<string, string> = {
  "package.json": '{ "dependencies": { "reads": "1.0.0", "@scope/plain": "1.0.0" } }',
  "node_modules/reads/package.json":
    '{ "name": "reads", "version": "1.0.0", "exports": { ".": "./lib/index.cjs", "./esm": "./esm.mjs" } }',
  "node_modules/reads/lib/index.cjs": `
const { readFileSync, readdirSync } = require("node:fs");
const { join, dirname } = require("node:path");
exports.read = (name) => readFileSync(join(dirname(__dirname), "data", name), "utf8");
exports.list = () => readdirSync(__dirname + "/../data").sort();
exports.load = (name) => require(name);
exports.part = (name) => require("./parts/" + name);
`,
  "node_modules/reads/lib/parts/one.js": "module.exports = require('./two.json').two;",
  "node_modules/reads/lib/parts/two.json": '{ "two": 2 }',
  "node_modules/reads/data/a.txt": "a",
  "node_modules/reads/data/b b.txt": "b",
  "node_modules/reads/esm.mjs": `
export const text = () => Deno.readTextFileSync(new URL("data/a.txt", import.meta.url));
export const work = () => new Promise((resolve) => {
  const worker = new Worker(new URL("./worker.mjs", import.meta.url), { type: "module" });
  worker.onmessage = ({ data }) => { worker.terminate(); resolve(data); };
});
export const load = (name) => import("./" + name + ".mjs");
`,
  "node_modules/reads/worker.mjs": 'import { part } from "./part.mjs";\npostMessage(part);\n',
  "node_modules/reads/part.mjs": 'export const part = "part";\n',
  "node_modules/@scope/plain/package.json": '{ "name": "@scope/plain", "version": "1.0.0" }',
  "node_modules/@scope/plain/index.js": "module.exports = 'plain';",
  "node_modules/@scope/plain/README": "nothing here is read",
  "main.ts": `
import { list, load, part, read } from "reads";
import * as esm from "reads/esm";
import plain from "@scope/plain";
console.log(plain, list(), read("b b.txt"), load("./parts/two"), part("one"), part("two.json"));
console.log(esm.text(), await esm.work(), (await esm.load("part")).part);
`,
};

Deno.test("a bundled package finds the files beside its modules", async () => {
  const { here, there } = await both(PACKAGE, "main.ts");
  assertEquals(there, here);
});

/** Ways of loading modules, each a program whose output is that of `deno run`. */
const LOADING: Record<
  string,
  {
    files: Record<string, string>;
    program?: string;
    link?: [string, string];
    warned?: string[];
  }
> = {
  "require() with a name that begins as a path": {
    files: {
      "main.cjs": `
for (const name of ["one", "one.js", "two", "two.json", "three", "folder", "gone"]) {
  try {
    console.log(name, require("./parts/" + name));
  } catch (error) {
    console.log(name, error.code);
  }
}`,
      "parts/one.js": "module.exports = [1, __filename.split('/').at(-2)];",
      "parts/two.json": "[2]",
      "parts/three.cjs": "exports.three = 3;",
      "parts/folder/index.js": "exports.four = 4;",
      "package.json": '{ "type": "commonjs" }',
    },
    program: "main.cjs",
  },
  "import() of code in a URL": {
    files: {
      "main.ts": `
const url: string = "data:text/javascript,export const x = 1";
const blob = URL.createObjectURL(new Blob(["export const y = 2"], { type: "text/javascript" }));
const { z } = await import("data:text/javascript,export const z = 3");
console.log((await import(url)).x, (await import(blob)).y, z);`,
    },
  },
  "the entries of packages": {
    files: {
      "package.json": '{ "dependencies": { "two": "1.0.0", "uses": "1.0.0" } }',
      "node_modules/two/package.json":
        '{ "name": "two", "version": "1.0.0", "main": "main", "module": "./module.js" }',
      "node_modules/two/main.js": "exports.entry = 'main'; exports.folder = __dirname;",
      "node_modules/two/module.js": "export const entry = 'module';",
      "node_modules/uses/package.json": '{ "name": "uses", "version": "1.0.0" }',
      "node_modules/uses/index.js": "module.exports = require('two');",
      "src/main.ts": `
import two from "two";
import * as all from "two";
import uses from "uses";
console.log(two.entry, all.entry, uses === two, two.folder, import.meta.url);`,
    },
    program: "src/main.ts",
  },
  "the scopes of an import map": {
    files: {
      "deno.json": JSON.stringify({
        imports: { "lib": "./lib/all.ts" },
        scopes: {
          "./src/": { "lib": "./lib/src.ts", "own": "./lib/own.ts" },
          "./src/deep/": { "lib": "./lib/deep.ts" },
        },
      }),
      "main.ts": `
import { resolve as shallow } from "./src/a.ts";
import { resolve as deep } from "./src/deep/b.ts";
for (const resolve of [import.meta.resolve, shallow, deep]) {
  for (const name of ["lib", "own"]) {
    try {
      console.log(resolve(name));
    } catch (error) {
      console.log(name, String(error));
    }
  }
}`,
      "src/a.ts": "export const resolve = (name: string): string => import.meta.resolve(name);",
      "src/deep/b.ts":
        "export const resolve = (name: string): string => import.meta.resolve(name);",
    },
  },
  "import() of what is computed": {
    files: {
      "deno.json": '{ "imports": { "@lib/": "./lib/" } }',
      "src/main.ts": `
import * as lib from "../lib/lib.ts";
const names: string[] = ["./named.ts", "@lib/mapped.ts", import.meta.resolve("./named.ts")];
for (const name of names) console.log((await import(name)).url);
console.log(await lib.load("./mapped.ts"), (await import(names[0]!, {})).url);
try {
  await import(\`@other/\${names.length}\`);
} catch (error) {
  console.log((error as Error).name);
}
new URL("./named.ts", import.meta.url);`,
      "src/named.ts": "export const { url } = import.meta;",
      "lib/lib.ts": `
export const load = async (name: string): Promise<string> => (await import(name)).url;
new URL("./mapped.ts", import.meta.url);`,
      "lib/mapped.ts": "export const { url } = import.meta;",
    },
    program: "src/main.ts",
  },
  "the query of an import": {
    files: {
      "main.ts": `
import { url, filename } from "./a b.ts?x=1&y#z";
const late = await import("./a b.ts?x=1&y#z");
console.log(url, filename, late.resolve("./c.ts"), import.meta.url);`,
      "a b.ts": "export const { url, filename, resolve } = import.meta;",
    },
  },
  "no require in ES modules": {
    files: {
      "main.ts": `
import { createRequire } from "node:module";
import c from "./c.cjs";
declare const require: unknown;
const own = createRequire(import.meta.url);
console.log(typeof require, typeof own, c);
try {
  (require as () => void)();
} catch (error) {
  console.log(String(error));
}`,
      "c.cjs": "module.exports = typeof require + typeof require.resolve;",
    },
  },
  "modules that are not there, or are made when it runs,": {
    files: {
      "src/main.ts": `
import { load, resolve } from "./c.cjs";
const tries = [
  () => import("./gone.ts"),
  () => import("./go" + "ne.ts"),
  () => import("../gone.json", { with: { type: "json" } }),
  () => load(),
  () => resolve(),
];
for (const each of tries) {
  const error = await Promise.try(each).catch((error) => error);
  console.log(error.name, error.code, error.code === undefined && error.message);
}
Deno.writeTextFileSync(new URL("./made.mjs", import.meta.url), "export const made = import.meta.url;");
console.log((await import("./made.mjs")).made);
Deno.removeSync(new URL("./made.mjs", import.meta.url));`,
      "src/c.cjs": `exports.load = () => {
    require("./gone");
};
exports.resolve = () => {
    require.resolve("./gone");
};`,
    },
    program: "src/main.ts",
    warned: [
      "c.cjs:2: <root>/src/gone is not there, so this require() fails, as it does here",
      "main.ts:4: <root>/src/gone.ts is not there, so this import() fails, as it does here",
      "main.ts:5: <root>/src/gone.ts is not there, so this import() fails, as it does here",
      "main.ts:6: <root>/gone.json is not there, so this import() fails, as it does here",
      "main.ts:15: <root>/src/made.mjs is not there, so this import() fails, as it does here",
    ],
  },
  "the exports of CommonJS modules, and namespaces,": {
    files: {
      "main.ts": `
import one, { named } from "./one.cjs";
import two from "./two.cjs";
import * as lib from "./lib.ts";
const late = await import("./one.cjs");
console.log(one, named, two, late.default, late.named);
console.log(Object.prototype.toString.call(lib), Object.getPrototypeOf(lib), Object.keys(lib));`,
      "one.cjs": `
Object.defineProperty(exports, "__esModule", { value: true });
exports.default = 1;
exports.named = 2;`,
      "two.cjs": "module.exports = () => 1;",
      "lib.ts": "export const b = 1;\nexport const a = 2;\n",
    },
  },
  "the lines of CommonJS modules": {
    files: {
      "main.ts": `
import c from "./c.cjs";
for (const each of Object.values(c)) {
  try {
    (each as () => void)();
  } catch (error) {
    console.log((error as Error).name, /c\\.cjs:.*?\\d+:\\d+/.exec((error as Error).stack!)?.[0]);
  }
}
console.log(c.same.name);`,
      "c.cjs": `// A comment.

const { a = 'it\\'s', b = /a\\/b/g, c = 4/2 } = {}; const d = \`a\${ a }b\`;

/* Another
   one. */ exports.one = () => { if (a) { throw new RangeError(d + b + c); } };
function same() {

  return  null
    .nothing
}
exports.same = same, exports.two = function () { same(), same() }`,
    },
  },
  "a link as the program": {
    files: {
      "src/real.ts": "console.log(import.meta.main, import.meta.url, import.meta.filename);",
    },
    program: "src/link.ts",
    link: ["real.ts", "src/link.ts"],
  },
  "files that are named by variables": {
    files: {
      "src/main.ts": `
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { DATA } from "./data.ts";
const __filename = fileURLToPath(import.meta.url);
const __dirname = dirname(__filename);
const read = (path: string) => Deno.readTextFileSync(path).trim();
console.log(
  read(join(__dirname, "a.txt")),
  read(\`\${import.meta.dirname}/b.txt\`),
  read(join(dirname(fileURLToPath(import.meta.url)), "../c.txt")),
  read(DATA + "/d.txt"),
  Array.from(Deno.readDirSync(\`\${DATA}/list\`)).length,
);`,
      "src/data.ts": 'import * as path from "node:path";\n' +
        'export const DATA = path.join(path.dirname(import.meta.filename!), "data");\n',
      "src/a.txt": "a",
      "src/b.txt": "b",
      "c.txt": "c",
      "src/data/d.txt": "d",
      "src/data/list/e.txt": "e",
    },
    program: "src/main.ts",
  },
};

for (const [what, { files, program = "main.ts", ...options }] of Object.entries(LOADING)) {
  Deno.test(`a bundle has ${what} as \`deno run\``, async () => {
    const { here, there } = await both(files, program, options);
    assertEquals(there, here);
  });
}
