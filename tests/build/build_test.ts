/** Building programs: bundles that run like their sources, and errors that say what to do. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { build, type Built } from "../../src/build/build.ts";
import { BuildError } from "../../src/build/build_error.ts";

/** A user's project, and a folder for its build. */
interface Project extends AsyncDisposable {
  readonly path: string;
  readonly output: string;
  build(program: string, options?: { deno?: string; release?: boolean }): Promise<Built>;
}

async function project(files: Record<string, string>): Promise<Project> {
  const path = await Deno.realPath(await Deno.makeTempDir({ prefix: "deploy-build-" }));
  for (const [name, text] of Object.entries(files)) {
    await Deno.mkdir(`${path}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(`${path}/${name}`, text);
  }
  const output = `${path}/output`;
  await Deno.mkdir(output);
  return {
    path,
    output,
    build: (program, options) =>
      build({ program: `${path}/${program}`, folder: output, ...options }),
    async [Symbol.asyncDispose](): Promise<void> {
      await Deno.remove(path, { recursive: true });
    },
  };
}

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function deno(cwd: string, ...args: string[]): Promise<Outcome> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    env: { NO_COLOR: "1", DEPLOY_FORMAT: "" },
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

/** Runs a bundle where nothing of its project is, as a program and as what a program imports. */
async function runBundle(built: Built): Promise<Outcome[]> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "deploy-bundle-" }));
  try {
    await Deno.copyFile(built.path, `${folder}/program.js`);
    await Deno.writeTextFile(`${folder}/host.js`, 'await import("./program.js");\n');
    const flags = ["run", "-A", "--no-config", "--no-lock"];
    const outcomes = [
      await deno(folder, ...flags, "program.js"),
      await deno(folder, ...flags, "host.js"),
    ];
    return outcomes.map(({ code, stdout, stderr }) => ({
      code,
      stdout: stdout.replaceAll(folder, "<run>"),
      stderr: stderr.replaceAll(folder, "<run>"),
    }));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The places of a stack, each `file:line:column`. */
function places(stderr: string): string[] {
  return [...stderr.matchAll(/^ {4}at (?:.* \()?([^()\n]+:\d+:\d+)\)?$/gm)].map((match) =>
    match[1]!
  );
}

Deno.test("a bundle runs like its sources, as a program and imported by one", async () => {
  await using files = await project({
    "deno.jsonc": '{ "imports": { "@lib/": "./lib/" } } // a comment\n',
    "lib/util.ts": [
      "interface Place {",
      "  readonly main: boolean;",
      "}",
      "export const place: Place = { main: import.meta.main };",
      "export function fail(reason: string): never {",
      "  throw new Error(reason);",
      "}",
    ].join("\n"),
    "src/data.json": '{ "answer": 42 }',
    "src/main.ts": [
      "#!/usr/bin/env -S deno run -A",
      'import { fail, place } from "@lib/util.ts";',
      'import data from "./data.json" with { type: "json" };',
      "",
      "type Answer = number;",
      "const answer: Answer = data.answer;",
      "const late = await import('./late.ts');",
      "console.log(answer, import.meta.main, place.main, late.main, import.meta.dirname);",
      "if (import.meta.main) {",
      "  fail('on purpose');",
      "}",
    ].join("\n"),
    "src/late.ts": "export const main: boolean = import.meta.main;\n",
  });
  const steps: string[] = [];
  const built = await build({
    program: `${files.path}/src/main.ts`,
    folder: files.output,
    onStep: (step) => steps.push(step),
  });
  assertEquals(steps, ["bundle"]);
  assertEquals(built.kind, "bundle");
  assertEquals(built.path, `${files.output}/main.js`);
  assertEquals(built.size, (await Deno.stat(built.path)).size);
  assert(built.ms > 0);
  assertEquals(built.warnings, []);
  for (const { code, stdout, stderr } of await runBundle(built)) {
    assertEquals(stdout, "42 true false false <run>/src\n", stderr);
    assertEquals(code, 1);
    assertStringIncludes(stderr, "Error: on purpose");
    assertEquals(places(stderr), [
      `file://${files.path}/lib/util.ts:6:9`,
      `file://${files.path}/src/main.ts:10:3`,
    ], stderr);
  }
});

Deno.test("a stack names the right lines also in a bundle that needs require()", async () => {
  await using files = await project({
    "deno.json": "{}",
    "lib.cjs": 'const os = require("node:os");\nmodule.exports = { name: () => os.platform() };\n',
    "main.ts": [
      'import lib from "./lib.cjs";',
      'import { parseArgs } from "npm:deno-std@1.4.0/cli/parse_args.js";',
      "interface Nothing {",
      "  readonly nothing: true;",
      "}",
      "const { a } = parseArgs(['--a']);",
      "console.log(lib.name() === Deno.build.os, a);",
      "function fail(_?: Nothing): never {",
      '  throw new Error("on purpose");',
      "}",
      "fail();",
    ].join("\n"),
  });
  for (const { stdout, stderr } of await runBundle(await files.build("main.ts"))) {
    assertEquals(stdout, "true true\n", stderr);
    assertEquals(places(stderr), [
      `file://${files.path}/main.ts:9:9`,
      `file://${files.path}/main.ts:11:1`,
    ]);
  }
});

Deno.test("a stack names code that is not the user's by its origin", async () => {
  await using files = await project({
    "deno.json": "{}",
    "main.ts": [
      'import { decode } from "npm:deno-std@1.4.0/msgpack/mod.js";',
      "decode(new Uint8Array());",
    ].join("\n"),
  });
  for (const { stderr } of await runBundle(await files.build("main.ts"))) {
    const [first = "", ...rest] = places(stderr);
    assert(first.startsWith("npm:deno-std@1.4.0/msgpack/decode.js:"), stderr);
    assertEquals(rest.at(-1), `file://${files.path}/main.ts:2:1`);
  }
});

Deno.test("a bundle contains the runtime, without what only the launcher needs", async () => {
  const mod = new URL("../../mod.ts", import.meta.url).href;
  const { imports } = JSON.parse(
    await Deno.readTextFile(new URL("../../deno.json", import.meta.url)),
  );
  await using files = await project({
    "deno.json": JSON.stringify({ imports: { ...imports, deploy: mod } }),
    "main.ts": [
      'import { init, MiB } from "deploy";',
      "console.log(MiB);",
      'if (Deno.args[0] === "stop") Deno.exit(0);',
      "await init();",
    ].join("\n"),
    "main_with_own_launcher.ts": [
      'import { init } from "deploy";',
      'import { own } from "./lib/lib.ts";',
      'if (Deno.args[0] === "stop") Deno.exit(0);',
      "await init();",
      "own();",
    ].join("\n"),
    "local/launcher.ts": 'export const own = () => console.log("own");',
    "lib/lib.ts": 'export { own } from "../local/launcher.ts";',
  });
  const text = await Deno.readTextFile((await files.build("main.ts")).path);
  assertEquals(text.split("launcher.ts").length, 2);
  assert(!text.includes("class NodeRun"), "a node's half is in the bundle");
  // Where a module of the user's has the same name, both are in the bundle.
  const own = await Deno.readTextFile((await files.build("main_with_own_launcher.ts")).path);
  assert(!own.includes('import("../local/launcher.ts")'));
  assertStringIncludes(own, 'console.log("own")');
});

Deno.test("build() reports what a bundle will lack", async () => {
  await using files = await project({
    "deno.json": "{}",
    "main.ts": [
      "const name = Deno.args[0] ?? './a.ts';",
      "await import(name);",
      "new Worker(new URL('./work.ts', import.meta.url), { type: 'module' });",
    ].join("\n"),
    "work.ts": "",
  });
  const { warnings, loose } = await files.build("main.ts");
  assertEquals(warnings, []);
  assertEquals(loose.computedImports.map(({ from }) => from), ["main.ts:2"]);
  const root = `file://${files.path}`;
  assertEquals(loose.modules, [`${root}/main.ts`]);
  assertEquals(loose.files, [{
    href: `${root}/work.ts`,
    module: `${root}/main.ts`,
    from: "main.ts:3",
    mayBeLoaded: true,
    isImported: false,
  }]);
});

Deno.test("build() reports in one line why a program cannot be built", async () => {
  await using files = await project({
    "deno.json": "{}",
    "syntax.ts": "const x: number = ;\n",
    "missing.ts": 'import "./sub/gone.ts";\n',
    "import.ts": 'import "@unknown/lib";\n',
    "add_on.ts": 'import lib from "./lib.cjs";\nconsole.log(lib);\n',
    "lib.cjs": 'module.exports = require("./native.node");\n',
    "native.node": "\x7fELF",
    "text.txt": "hello\n",
    "folder/file": "",
  });
  const cases: [string, string][] = [
    ["syntax.ts", "Expression expected at syntax.ts:1:19"],
    ["missing.ts", 'Module not found "sub/gone.ts". at missing.ts:1:8'],
    ["import.ts", '"@unknown/lib" not a dependency'],
    [
      "add_on.ts",
      "native.node is a native add-on, which no bundle can have in it; use --release, " +
      "and --include for the file",
    ],
    ["text.txt", "it is neither an executable nor a module"],
    ["folder", "it is not a file"],
    ["nothing.ts", "there is no such file"],
  ];
  for (const [name, message] of cases) {
    const error = await assertRejects(() => files.build(name), BuildError);
    assertStringIncludes(error.message, `Cannot build ${files.path}/${name}: `);
    assertStringIncludes(error.message, message);
    assertEquals(error.message.split("\n").length, 1);
    assert(!error.details.includes("Stack backtrace"));
  }
  const { details } = await assertRejects(() => files.build("syntax.ts"), BuildError);
  assertStringIncludes(details, "const x: number = ;");
  const error = await assertRejects(
    () => files.build("syntax.ts", { deno: "/no/deno" }),
    BuildError,
  );
  assertStringIncludes(error.message, "/no/deno cannot be run");
});

/** A script that answers like deno without a network. */
async function pretend(files: Project, stderr: string): Promise<string> {
  const path = `${files.path}/deno`;
  await Deno.writeTextFile(path, `#!/bin/sh\ncat >&2 <<'EOF'\n${stderr}\nEOF\nexit 1\n`);
  await Deno.chmod(path, 0o755);
  return path;
}

Deno.test("build() reports what deno lacks, and what to do without it", async () => {
  await using files = await project({ "main.ts": "" });
  const noEsbuild = await pretend(
    files,
    "error: failed to download esbuild package tarball @esbuild/linux-x64@0.25.5\n\n" +
      "Caused by:\n    0: Failed caching npm package\n    1: invalid peer certificate: UnknownIssuer\n\n" +
      "Stack backtrace:\n   0: <unknown>",
  );
  const first = await assertRejects(
    () => files.build("main.ts", { deno: noEsbuild }),
    BuildError,
    "deno bundle needs the npm package esbuild, which could not be downloaded",
  );
  assertStringIncludes(first.message, "set DENO_TLS_CA_STORE=system");
  assert(first.details.endsWith("UnknownIssuer"), first.details);

  const noRuntime = await pretend(
    files,
    "error: Writing deno compile executable to temporary file 'x.tmp'\n\nCaused by:\n" +
      "    0: Setting up base binary.\n    1: error sending request for url " +
      "(https://dl.deno.land/release/v2.9.6/denort-x86_64-unknown-linux-gnu.zip): client error\n",
  );
  const { message } = await assertRejects(
    () => files.build("main.ts", { deno: noRuntime, release: true }),
    BuildError,
  );
  assertEquals(
    message,
    `Cannot build ${files.path}/main.ts: the runtime that deno compile needs ` +
      "(denort-x86_64-unknown-linux-gnu.zip) could not be downloaded; set DENORT_BIN to the path " +
      "of a denort of that version, or deploy without --release",
  );

  const noWasm = await pretend(
    files,
    `error: Wasm modules are not implemented in deno bundle.\n    at file://${files.path}/main.ts:7:20`,
  );
  await assertRejects(
    () => files.build("main.ts", { deno: noWasm }),
    BuildError,
    "this version of deno cannot bundle WebAssembly modules, at main.ts:7:20; use a newer one, or --release",
  );

  const silent = await pretend(files, "");
  await assertRejects(
    () => files.build("main.ts", { deno: silent }),
    BuildError,
    "deno bundle ended with exit code 1",
  );
});

Deno.test("build() ships an executable as it is", async () => {
  await using files = await project({});
  await Deno.copyFile("/bin/true", `${files.path}/program`);
  const built = await files.build("program", { deno: "/no/deno", release: true });
  const { size } = await Deno.stat("/bin/true");
  assertEquals({ ...built, ms: 0 }, {
    kind: "executable",
    path: `${files.path}/program`,
    size,
    ms: 0,
    loose: { files: [], modules: [], computedImports: [], packages: [] },
    warnings: [],
  });
});

Deno.test("build() ends when aborted, before the compiler starts and while it runs", async () => {
  await using files = await project({ "main.ts": "" });
  const path = `${files.path}/deno`;
  await Deno.writeTextFile(path, `#!/bin/sh\n: >"${files.output}/started"\nexec sleep 60\n`);
  await Deno.chmod(path, 0o755);
  const reason = new Error("enough");
  const program = `${files.path}/main.ts`;
  const start = (stop: AbortController, onStep: () => void = () => {}) =>
    build({ program, folder: files.output, deno: path, signal: stop.signal, onStep });

  const before = new AbortController();
  assertEquals(await assertRejects(() => start(before, () => before.abort(reason))), reason);
  assertEquals(await Array.fromAsync(Deno.readDir(files.output)), []);

  const meanwhile = new AbortController();
  using watcher = Deno.watchFs(files.output);
  const building = assertRejects(() => start(meanwhile));
  await watcher[Symbol.asyncIterator]().next();
  meanwhile.abort(reason);
  assertEquals(await building, reason);
});
