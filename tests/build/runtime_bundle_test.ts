/** The runtime as a separate file, beside the program that imports it. */

// @ts-types="../../types/std_assert.d.ts"
import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { build } from "../../src/build/build.ts";
import { bundleRuntime, localRuntime, lookUpRuntime } from "../../src/build/runtime_bundle.ts";

const { root, module } = localRuntime()!;

/** Runs `use` in a folder of its own, with a cache folder of its own. */
async function apart(use: (folder: string, cache: string) => Promise<void>): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "deploy-runtime-" }));
  try {
    await use(folder, `${folder}/cache`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function built(folder: string, source: string, deno = Deno.execPath()) {
  const imports = {
    ...config.imports,
    deploy: `file://${module}`,
    "inside/": `file://${root}/src/`,
  };
  await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ imports }));
  await Deno.writeTextFile(`${folder}/main.ts`, source);
  const program = await build({
    ...{ program: `${folder}/main.ts`, deno, folder },
    ...{ runtimeApart: true, runtimeCache: `${folder}/cache` },
  });
  return { ...program, text: await Deno.readTextFile(program.path) };
}

Deno.test("a program that imports the runtime has it in a file beside its own", async () => {
  await apart(async (folder) => {
    const { text, runtime, size } = await built(
      folder,
      'import { init, pid } from "deploy";\nawait init();\nconsole.log(pid());\n',
    );
    const name = runtime?.slice(folder.length + 1) ?? "";
    assertMatch(name, /^deploy-runtime-[0-9a-f]{16}\.js$/);
    assertStringIncludes(text, `import { init, pid } from "./${name}";`);
    assert(text.length < 10_000, `the program has ${text.length} characters`);
    assert(size > text.length + 100_000);
    assert(!text.includes(root), "the program names a path of this machine");
  });
});

Deno.test("a pool is bundled with its program, and leaves the runtime in its own file", async () => {
  await apart(async (folder) => {
    const { text, runtime } = await built(
      folder,
      'import { init } from "deploy";\nimport { Pool } from "inside/pool/mod.ts";\n' +
        "await init();\nconsole.log(await Pool.start());\n",
    );
    assert(runtime !== undefined);
    assertStringIncludes(text, "class _Pool");
  });
});

Deno.test("deno bundle runs one at a time, since it may install esbuild", async () => {
  await apart(async (folder) => {
    const alone = `${folder}/deno`;
    const script = [
      "#!/bin/sh",
      `mkdir ${folder}/running || exit 3`,
      `echo >>${folder}/runs`,
      `'${Deno.execPath()}' "$@"`,
      `rmdir ${folder}/running`,
    ];
    await Deno.writeTextFile(alone, script.join("\n"), { mode: 0o755 });
    const source = 'import { init } from "deploy";\nawait init();\n';
    const { runtime } = await built(folder, source, alone);
    assert(runtime !== undefined);
    assertEquals(await Deno.readTextFile(`${folder}/runs`), "\n\n");
  });
});

Deno.test("the runtime's own sources are named by their paths in its folder", async () => {
  await apart(async (folder, cache) => {
    const runtime = await bundleRuntime(
      Deno.execPath(),
      await lookUpRuntime({ root, module }, cache),
    );
    await Deno.writeTextFile(`${folder}/${runtime.name}`, runtime.text);
    const main = `import { shortPid } from "./${runtime.name}";\nshortPid(null);\n`;
    await Deno.writeTextFile(`${folder}/main.js`, main);
    const { stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-config", "--no-lock", `${folder}/main.js`],
      env: { NO_COLOR: "1" },
    }).output();
    assertMatch(new TextDecoder().decode(stderr), /src\/core\/pid\.ts:\d+:\d+/);
  });
});

Deno.test("a program that must contain the runtime, or has none, is one file", async () => {
  const whole = [
    // There would be two of what it imports.
    'import { init } from "deploy"; import { parsePid } from "inside/core/pid.ts"; await init(parsePid);',
    // It is ambiguous which of the two is the import.
    `import { init } from "deploy"; await init(); console.log("${module}");`,
  ];
  for (const source of whole) {
    await apart(async (folder) => {
      const { text, runtime } = await built(folder, source);
      assertEquals(runtime, undefined);
      assertStringIncludes(text, "src/process/init.ts");
    });
  }
  await apart(async (folder) => {
    const { text, runtime } = await built(folder, "console.log(1);\n");
    assertEquals(runtime, undefined);
    assert(!text.includes("src/process/init.ts"));
  });
});

Deno.test("the runtime is bundled again when it has changed, or the cached bundle is damaged", async () => {
  await apart(async (folder, cache) => {
    const copy = `${folder}/copy`;
    for (const part of ["core", "codec", "wire", "net", "channel", "process"]) {
      await Deno.mkdir(`${copy}/src/${part}`, { recursive: true });
      for await (const { name } of Deno.readDir(`${root}/src/${part}`)) {
        await Deno.copyFile(`${root}/src/${part}/${name}`, `${copy}/src/${part}/${name}`);
      }
    }
    await Deno.mkdir(`${copy}/src/local`);
    await Deno.writeTextFile(`${copy}/src/local/launcher.ts`, "export const launch = () => {};\n");
    for (const name of ["mod.ts", "deno.json", "deno.lock"]) {
      await Deno.copyFile(`${root}/${name}`, `${copy}/${name}`);
    }
    const local = { root: copy, module: `${copy}/mod.ts` };
    const kept = async () => {
      const [entry, ...others] = await Array.fromAsync(Deno.readDir(cache));
      assertEquals(others, []);
      return `${cache}/${entry!.name}`;
    };
    const first = await bundleRuntime(Deno.execPath(), await lookUpRuntime(local, cache));
    assertEquals(await Deno.readTextFile(await kept()), first.text);
    // A missing deno does not matter while nothing has to be bundled.
    assertEquals(await bundleRuntime("/no/deno", await lookUpRuntime(local, cache)), first);
    await Deno.writeTextFile(await kept(), first.text.slice(0, -1_000));
    assertEquals(await bundleRuntime(Deno.execPath(), await lookUpRuntime(local, cache)), first);
    await Deno.writeTextFile(`${copy}/mod.ts`, "export const added = 4711;\n", { append: true });
    const changed = await bundleRuntime(Deno.execPath(), await lookUpRuntime(local, cache));
    assertNotEquals(changed.name, first.name);
    assertStringIncludes(changed.text, "4711");
    assertEquals(await Deno.readTextFile(await kept()), changed.text);
  });
});
