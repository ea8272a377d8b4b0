/** What modules refer to and their bundle does not contain. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { type BundleNotes, noteMissing } from "../../src/build/bundle_notes.ts";
import { readTokens } from "../../src/build/js_tokens.ts";
import { Mappings } from "../../src/build/mappings.ts";
import { mapped } from "./mapped.ts";

function notes(code: string, ...others: string[]): BundleNotes {
  const bundle = mapped(code);
  const names = [...bundle.map.sources, ...others];
  return noteMissing({
    tokens: readTokens(code),
    mappings: new Mappings(bundle),
    sources: names.map((name) => ({ name, href: `file:///p/${name}` })),
  });
}

/** A CommonJS module with that code. */
function cjs(code: string): string {
  return `// c.cjs\nvar c = __commonJS({ "c.cjs"(exports) {\n${code}\n} });\n`;
}

const NOTHING: BundleNotes = {
  addOns: [],
  missing: [],
  absent: [],
  computedImports: [],
  files: [],
};

const QUIET: readonly string[] = [
  'await import("node:fs");',
  'await import("./data.json", { with: { type: "json" } });',
  "await import('./known.ts');",
  'console.log("import(name)");',
  "console.log(`import(name)`); // import(name)",
  "this.import(name); $import(name); reimport(name);",
  "const it = { import(name) {} };",
  'new URL("https://example.com", import.meta.url);',
  'new URL("./file.txt", base);',
  'new URL("./file.txt", import.meta.urls);',
  'import.meta.resolve("bare");',
  'import x from "./not.node.ts"',
  "`${import.meta.dirname}`; `a${__dirname}/b`;",
  'const here = import.meta.dirname; it.here + "/a"; here.x + "/a";',
];

for (const line of QUIET) {
  Deno.test(`noteMissing() reports nothing for ${line}`, () => {
    assertEquals(notes(`// main.ts\n${line}\n`), NOTHING);
  });
}

Deno.test("noteMissing() reports imports that are only known at run time, with their lines", () => {
  const computed = (code: string) => notes(code).computedImports.map(({ from }) => from);
  for (const argument of ["name", "`./${name}.ts`", "  pick(names)", '"./a" + b']) {
    const code = `// lib.ts\n\n// main.ts\nconsole.log();\nawait import(${argument});\n`;
    const found = { from: "main.ts:2", by: "import", mayBeOfCode: false } as const;
    assertEquals(notes(code), { ...NOTHING, computedImports: [found] });
  }
  assertEquals(notes("// npm:pack@1.0.0/a.js\nawait import(name);\n"), NOTHING);
  assertEquals(notes("// node_modules/pack/a.js\nawait import(name);\n"), NOTHING);
  assertEquals(notes("// https://example.com/a.js\nawait import(name);\n"), NOTHING);
  assertEquals(computed("// main.ts\nimport(a);\nimport(b);\n"), ["main.ts:1", "main.ts:2"]);
  for (const start of ["data:text/javascript,", "node:", "https://example.com/"]) {
    assertEquals(
      computed(`// main.ts\nimport("${start}" + name);\nimport(\`${start}\${a}\`);\n`),
      [],
    );
  }
  assertEquals(computed(cjs("__require(name);\n__require('a' + b);")), [
    "c.cjs:2",
    "c.cjs:3",
  ]);
  assertEquals(computed(cjs('__require("a");\n__require.resolve(name);')), []);
  assertEquals(computed("// c.ts\n__require(name);\n"), []);
  for (const made of ['a = "data:text/javascript," + b;', "URL.createObjectURL(blob);"]) {
    const [first, second] =
      notes(`// a.ts\n${made}\nimport(a);\n// b.ts\nimport(a);\n`).computedImports;
    assertEquals([first?.mayBeOfCode, second?.mayBeOfCode], [true, false]);
  }
  // What it names relative to itself is known.
  assertEquals(computed('// main.ts\nimport(new URL("./a.ts", import.meta.url).href);\n'), []);
});

const NAMED: readonly [code: string, path: string][] = [
  ['new Worker(new URL("./work.ts", import.meta.url), { type: "module" });', "lib/work.ts"],
  ['new Worker(import.meta.url, { type: "module" });', "lib/x.ts"],
  ["new Worker2(new URL(import.meta.url), {});", "lib/x.ts"],
  ["fork(__filename, [name]);", "lib/x.ts"],
  ["const file = fileURLToPath(import.meta.url); fork(file);", "lib/x.ts"],
  ['new Deno.Command(deno, { args: ["run", import.meta.filename, "x"] });', "lib/x.ts"],
  ['new Deno.Command(deno, { args: [new URL("./b.ts", import.meta.url).href] });', "lib/b.ts"],
  ["new URL(`../a b.txt`, import.meta.url);", "a%20b.txt"],
  ['new URL("./a\\u0062.txt?v=1#x", import.meta.url);', "lib/ab.txt"],
  ['import.meta.resolve("./data.json");', "lib/data.json"],
  ['import.meta.dirname + "/a#b.txt";', "lib/a%23b.txt"],
  ['join(import.meta.dirname, "..", "c.txt");', "c.txt"],
  ['path2.resolve(__dirname, "views", name);', "lib/views/"],
  ['path2.resolve(__dirname, "views", name + ".html");', "lib/views/"],
  ['new URL("./views/a" + name, import.meta.url);', "lib/views/"],
  ["new URL(`./views/${name}.html`, import.meta.url);", "lib/views/"],
  ['import.meta.resolve("../" + name);', ""],
  ['__dirname + "/c.txt";', "lib/c.txt"],
  ["`${import.meta.dirname}/c.txt`;", "lib/c.txt"],
  ["`${__dirname}/views/${name}.html`;", "lib/views/"],
  ['join(dirname(fileURLToPath(import.meta.url)), "c.txt");', "lib/c.txt"],
  ['path2.join(path2.dirname(url.fileURLToPath(import.meta.url)), "../c.txt");', "c.txt"],
  ['const here = dirname(import.meta.filename); read(join(here, "c.txt"));', "lib/c.txt"],
  ['file = fileURLToPath2(import.meta.url); here = dirname2(file); here + "/c.txt";', "lib/c.txt"],
];

for (const [line, path] of NAMED) {
  Deno.test(`noteMissing() finds the file in ${line}`, () => {
    const found = notes(`// lib/x.ts\n\n${line}\n`);
    assertEquals(found, {
      ...NOTHING,
      files: [{
        href: `file:///p/${path}`,
        module: "file:///p/lib/x.ts",
        from: "lib/x.ts:2",
        mayBeLoaded: true,
        isImported: false,
      }],
    });
  });
}

Deno.test("noteMissing() reports nothing of the modules of this system", () => {
  const code =
    '// open.ts\nconst url = new URL("./more.ts", import.meta.url); import(url.href); import(name);\n';
  const of = (folder: string) => {
    const bundle = mapped(code);
    return noteMissing({
      tokens: readTokens(code),
      mappings: new Mappings(bundle),
      sources: bundle.map.sources.map((name) => ({ name, href: `${folder}${name}` })),
    });
  };
  assertEquals(of(new URL("../../src/local/", import.meta.url).href), NOTHING);
  const { files, computedImports } = of("file:///p/src/local/");
  assertEquals([files.length, computedImports.length], [1, 1]);
});

Deno.test("noteMissing() tells files that are only read from those that may be loaded", () => {
  const { files } = notes([
    "// main.ts",
    'Deno.readTextFile(new URL("./a.ts", import.meta.url));',
    'fs.statSync(join(import.meta.dirname, "b.ts"));',
    'fetch(new URL("./c.ts", import.meta.url));',
    'start(new URL("./c.ts", import.meta.url));',
    'import(new URL("./d.ts", import.meta.url).href);',
    "import(import.meta.resolve(`./e/${name}.ts`));",
  ].join("\n"));
  const found = files.map((
    { href, from, mayBeLoaded, isImported },
  ) => [href.slice("file:///p/".length), from, mayBeLoaded, isImported]);
  assertEquals(found, [
    ["a.ts", "main.ts:1", false, false],
    ["b.ts", "main.ts:2", true, false],
    ["c.ts", "main.ts:3", true, false],
    ["d.ts", "main.ts:5", true, true],
    ["e/", "main.ts:6", true, true],
  ]);
});

Deno.test("noteMissing() reports native add-ons", () => {
  const found = { ...NOTHING, addOns: ["b.node"] };
  assertEquals(notes('// a.cjs\nvar b = __require("/home/ada/b.node");\n'), found);
  assertEquals(notes('// a.ts\nimport b from "/home/ada/b.node";\n'), found);
  assertEquals(notes('// a.ts\nvar b = require2("./b.node");\n').missing, [
    "a.ts:1: ./b.node is a native add-on: use --release, and --include for the file",
  ]);
  const loaders = [
    "npm:node-gyp-build@4.8.0/index.js",
    "npm:@mapbox/node-pre-gyp@1.0.0/lib/a.js",
    "node_modules/bindings/bindings.js",
  ];
  for (const loader of loaders) assertEquals(notes("", "main.ts", loader).missing.length, 1);
  assertEquals(notes("", "lib/keybindings/a.ts", "bindings.ts"), NOTHING);
});
