/** Programs whose configuration does not say what "deploy" is get the runtime of the command. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { build } from "../../src/build/build.ts";
import { BuildError } from "../../src/build/build_error.ts";
import { absoluteMap } from "../../src/build/import_map.ts";
import { mapWithRuntime } from "../../src/build/own_runtime.ts";

const root = "file:///opt/deploy/";
const RUNTIME = {
  "deploy": "file:///opt/deploy/mod.ts",
  "deploy/pool": "file:///opt/deploy/src/pool/mod.ts",
};

Deno.test("mapWithRuntime() keeps what the program's own map says, as absolute URLs", () => {
  const base = "file:///home/ada/p/deno.json";
  const own = {
    imports: {
      "@lib/": "./lib/",
      "./old.ts": "../new.ts",
      "chalk": "npm:chalk@5",
      "@std/path": "jsr:@std/path@1.0",
      "mine/": "npm:/mine@1/sub/",
      "gone": null,
      "deploy": "./own.ts",
    },
    scopes: { "./lib/": { "@lib/": "./other/" } },
  };
  const imports = {
    "@lib/": "file:///home/ada/p/lib/",
    "file:///home/ada/p/old.ts": "file:///home/ada/new.ts",
    "chalk": "npm:chalk@5",
    "@std/path": "jsr:@std/path@1.0",
    "mine/": "npm:/mine@1/sub/",
    "gone": null,
  };
  const scopes = {
    "file:///home/ada/p/lib/": { "@lib/": "file:///home/ada/p/other/" },
  };
  assertEquals(mapWithRuntime(absoluteMap(own, { base, isConfig: false }), root), {
    imports: { ...RUNTIME, ...imports, "deploy": "file:///home/ada/p/own.ts" },
    scopes,
  });
  // In a deno.json, the name of a package also stands for what it exports.
  assertEquals(mapWithRuntime(absoluteMap(own, { base, isConfig: true }), root).imports, {
    ...RUNTIME,
    ...imports,
    "chalk/": "npm:/chalk@5/",
    "@std/path/": "jsr:/@std/path@1.0/",
    "deploy": "file:///home/ada/p/own.ts",
  });
  assertEquals(mapWithRuntime(absoluteMap({}, { base, isConfig: true }), root), {
    imports: RUNTIME,
    scopes: {},
  });
});

const MAIN = 'import { init, MiB } from "deploy";\nimport { lib } from "@lib/lib.ts";\n' +
  "console.log(MiB, lib);\nawait init();\n";
const LIB = 'import { Pool } from "deploy/pool";\nexport const lib = Pool.name;\n';

const PROJECTS: Record<string, Record<string, string>> = {
  "with imports": { "deno.json": '{ "imports": { "@lib/": "./lib/" } } // a comment' },
  "with an import map": {
    "deno.json": '{ "importMap": "./maps/map.json" }',
    "maps/map.json": '{ "imports": { "@lib/": "../lib/" } }',
  },
};

for (const [what, files] of Object.entries(PROJECTS)) {
  Deno.test(`a project ${what} needs no import of deploy`, async () => {
    const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "deploy-own-" }));
    try {
      const all = { ...files, "main.ts": MAIN, "lib/lib.ts": LIB };
      for (const [name, text] of Object.entries(all)) {
        await Deno.mkdir(`${folder}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
        await Deno.writeTextFile(`${folder}/${name}`, text);
      }
      await Deno.mkdir(`${folder}/out`);
      const steps: string[] = [];
      const built = await build({
        program: `${folder}/main.ts`,
        folder: `${folder}/out`,
        runtimeApart: true,
        checked: true,
        onStep: (step) => steps.push(step),
      });
      assertEquals(steps, ["check", "bundle"], "each step is done once");
      const text = await Deno.readTextFile(built.path);
      assertStringIncludes(text, 'from "./deploy-runtime-');
      assertStringIncludes(text, "Pool");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test('what deno alone knows "deploy" from is left to deno', async () => {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "deploy-own-" }));
  try {
    const files = {
      "deno.json": '{ "workspace": ["./app", "./lib"] }',
      "app/deno.json": "{}",
      "app/main.ts": 'import { mine } from "deploy";\nconsole.log(mine);\n',
      "lib/deno.json": '{ "name": "deploy", "exports": "./mod.ts" }',
      "lib/mod.ts": 'export const mine = "my own deploy";\n',
    };
    for (const [name, text] of Object.entries(files)) {
      await Deno.mkdir(`${folder}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    const { path } = await build({ program: `${folder}/app/main.ts`, folder });
    assertStringIncludes(await Deno.readTextFile(path), "my own deploy");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("wrong types are reported by a check, and only by a check", async () => {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "deploy-own-" }));
  try {
    const source =
      'import { init, spawn } from "deploy";\nconst work = (_: string, n: number) => n;\n' +
      'await init({ functions: { work } });\nawait spawn(work, "one");\n';
    await Deno.writeTextFile(`${folder}/main.ts`, source);
    const options = { program: `${folder}/main.ts`, folder };
    await build(options);
    const error = await assertRejects(() => build({ ...options, checked: true }), BuildError);
    assertStringIncludes(error.message, "main.ts: its types are wrong");
    assertStringIncludes(error.details, "TS2345");
    assertStringIncludes(error.details, "main.ts:4:19");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("an import that is missing otherwise is reported as before", async () => {
  const folder = await Deno.makeTempDir({ prefix: "deploy-own-" });
  try {
    await Deno.writeTextFile(`${folder}/main.ts`, 'import "deploy/other";\nimport "deploy";\n');
    const error = await assertRejects(
      () => build({ program: `${folder}/main.ts`, folder }),
      BuildError,
    );
    assertStringIncludes(error.message, '"deploy/other" not a dependency');
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
