/** The results of `deno task build` and `deploy --release`: executables that need no other files. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { build } from "../../src/build/build.ts";
import { manifestOf } from "../../src/store/manifest_of.ts";
import { Store } from "../../src/store/store.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const COMPILE_DENO = Deno.env.get("COMPILE_DENO");

/** Where no runtime can be downloaded, only a deno with a cached runtime can compile. */
const ignore = COMPILE_DENO === undefined;
const why = ignore ? " (skipped: COMPILE_DENO does not name a deno that can compile)" : "";

async function emptyFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.realPath(await Deno.makeTempDir({ prefix: "deploy-build-" }));
  return {
    path,
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

/** Runs a command whose environment is only `env`. */
async function run(
  path: string,
  args: string[],
  cwd: string,
  env: Record<string, string>,
): Promise<Outcome> {
  const { code, stdout, stderr } = await new Deno.Command(path, {
    args,
    cwd,
    env,
    clearEnv: true,
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

/** Ships a file to a store that has another one; returns the number of bytes that are sent. */
async function shippedBytes(known: string, file: string): Promise<number> {
  await using folder = await emptyFolder();
  await using store = await Store.open(`${folder.path}/store`);
  await store.addSource(known);
  const manifest = await manifestOf(file);
  const missing = await store.missing([manifest]);
  return missing.length * 128 * 1024;
}

Deno.test({
  name: `task build makes fabric and deploy, which need no home and no cache${why}`,
  ignore,
  async fn() {
    const built = await new Deno.Command(Deno.execPath(), {
      args: ["task", "--quiet", "build"],
      cwd: ROOT,
      stdin: "null",
    }).output();
    assertEquals(built.code, 0, new TextDecoder().decode(built.stderr));
    assertMatch(
      new TextDecoder().decode(built.stdout),
      /^dist\/fabric {2}\d+\.\d MB, \d+\.\d s\ndist\/deploy {2}\d+\.\d MB, \d+\.\d s\n$/,
    );
    for (const name of ["fabric", "deploy"]) {
      await using folder = await emptyFolder();
      const path = `${folder.path}/${name}`;
      await Deno.copyFile(`${ROOT}dist/${name}`, path);
      const version = { code: 0, stdout: `${name} ${config.version}\n`, stderr: "" };
      assertEquals(await run(path, ["--version"], folder.path, {}), version);
      const env = { HOME: "/nonexistent", NO_COLOR: "1" };
      assertEquals(await run(path, ["--version"], folder.path, env), version);
      // It has left no files.
      const left = await Array.fromAsync(Deno.readDir(folder.path), (entry) => entry.name);
      assertEquals(left, [name]);
    }
    const { size } = await Deno.stat(`${ROOT}dist/deploy`);
    assertLess(await shippedBytes(`${ROOT}dist/fabric`, `${ROOT}dist/deploy`), size / 10);
  },
});

Deno.test("task build says which targets there are", async () => {
  for (const args of [["--target", "pdp11"], ["--target"], ["--nix"]]) {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "scripts/build.ts", ...args],
      cwd: ROOT,
      stdin: "null",
    }).output();
    assertEquals(code, 2);
    assertStringIncludes(new TextDecoder().decode(stderr), "(see deno task build --help)");
  }
});

Deno.test({
  name:
    `a release executable runs as its sources do, and a changed line costs little to ship${why}`,
  ignore,
  async fn() {
    await using folder = await emptyFolder();
    const { path } = folder;
    const imports = { ...config.imports, deploy: `${ROOT}mod.ts` };
    await Deno.writeTextFile(`${path}/deno.json`, JSON.stringify({ imports }));
    const source = [
      'import { init } from "deploy";',
      "interface Nothing {",
      "  readonly nothing: true;",
      "}",
      "const early = Deno.args[0] === 'early';",
      "if (!early) await init({ functions: { fail } });",
      "console.log('hello', import.meta.main);",
      "function fail(_?: Nothing): never {",
      "  throw new Error('on purpose');",
      "}",
      "fail();",
    ].join("\n");
    const release = async (text: string, name: string) => {
      await Deno.writeTextFile(`${path}/${name}.ts`, text);
      const built = await build({
        program: `${path}/${name}.ts`,
        folder: path,
        deno: COMPILE_DENO ?? "",
        release: true,
      });
      assertEquals([built.kind, built.path], ["executable", `${path}/${name}`]);
      return built;
    };
    const first = await release(source, "first");
    const { code, stdout, stderr } = await run(first.path, ["early"], path, { NO_COLOR: "1" });
    assertEquals([code, stdout], [1, "hello true\n"], stderr);
    assertStringIncludes(stderr, "Error: on purpose");
    assertMatch(stderr, /at fail \(file:\S+\/first\.ts:9:9\)\n {4}at file:\S+\/first\.ts:11:1/);

    const second = await release(source.replace("hello", "good morning"), "second");
    const bytes = await shippedBytes(first.path, second.path);
    assert(bytes > 0);
    assertLess(bytes, second.size / 100);
  },
});

Deno.test({
  name: `--release contains what imports name, and tells of those that are computed${why}`,
  ignore,
  async fn() {
    await using folder = await emptyFolder();
    const { path } = folder;
    await Deno.writeTextFile(`${path}/deno.json`, "{}");
    await Deno.writeTextFile(`${path}/lib.ts`, "export const answer: number = 42;\n");
    await Deno.writeTextFile(
      `${path}/main.ts`,
      [
        "const known = () => import('./lib.ts');",
        "const name = ['.', 'other.ts'].join('/');",
        "if (Deno.args.length > 0) await import(name);",
        "console.log((await known()).answer);",
      ].join("\n"),
    );
    const program = `${path}/main.ts`;
    const built = await build({ program, folder: path, deno: COMPILE_DENO ?? "", release: true });
    await Deno.remove(`${path}/lib.ts`);
    const outcome = await run(built.path, [], path, {});
    assertEquals(outcome, { code: 0, stdout: "42\n", stderr: "" });
    assertEquals(built.loose.computedImports.length, 1);
  },
});
