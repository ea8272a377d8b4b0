/** The flags of Deno that `deploy` takes, and the configuration, apply to processes on nodes. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertStringIncludes } from "@std/assert";
import { startCluster } from "../fabric/cluster.ts";
import { deploy, Project } from "./deploy_harness.ts";

const TELLS = `
import { init, spawn, wait } from "deploy";
import { greeting } from "greeting";
function tell(who: string) {
  const state = (name: "ffi" | "net") => Deno.permissions.querySync({ name }).state;
  const { gc, location } = globalThis as { gc?: unknown; location?: { href: string } };
  console.log(who, greeting, typeof gc, location?.href, state("ffi"), state("net"));
}
function child() {
  tell("child");
}
await init({ functions: { child } });
(await Deno.openKv(":memory:")).close();
tell("first");
await wait(await spawn(child));
`;

Deno.test("settings travel with a deployed program", async (t) => {
  await using cluster = await startCluster({ env: { HTTPS_PROXY: "http://proxy.example:1" } });
  const imports = { greeting: "./greeting.ts" };

  await t.step("options and the configuration set the runtime of its processes", async () => {
    await using project = await Project.make({
      "main.ts": TELLS,
      "greeting.ts": 'export const greeting = "hello";\n',
    }, { unstable: ["kv"] });
    const config = JSON.parse(await Deno.readTextFile(`${project.folder}/deno.json`));
    Object.assign(config.imports, imports);
    await Deno.writeTextFile(`${project.folder}/other.json`, JSON.stringify(config));
    const { code, stdout, stderr } = await deploy([
      "--config=other.json",
      "--v8-flags=--expose-gc",
      "--location=https://example.com/here",
      ...["net", "env", "read", "write", "run", "sys"].map((name) => `--allow-${name}`),
      cluster.bridge,
      "main.ts",
    ], { cwd: project.folder });
    assertEquals(code, 0, stderr);
    const line = "hello function https://example.com/here prompt granted";
    assertEquals(stdout, `first ${line}\nchild ${line}\n`);
  });

  await t.step("an import map can be named", async () => {
    await using project = await Project.make({
      "main.ts": 'import { greeting } from "greeting";\nimport { init } from "deploy";\n' +
        'await init();\nconsole.log(greeting, Deno.env.get("HTTPS_PROXY"));\n',
      "greeting.ts": 'export const greeting = "hello";\n',
    });
    const config = JSON.parse(await Deno.readTextFile(`${project.folder}/deno.json`));
    Object.assign(config.imports, imports);
    await Deno.writeTextFile(`${project.folder}/map.json`, JSON.stringify(config));
    const args = ["--import-map", "map.json", cluster.bridge, "main.ts"];
    const { code, stdout, stderr } = await deploy(args, { cwd: project.folder });
    assertEquals([code, stdout], [0, "hello http://proxy.example:1\n"], stderr);
  });

  await t.step("a program with only a package.json has its packages, and deploy", async () => {
    await using project = await Project.make({
      "package.json": '{ "dependencies": { "words": "1.0.0" } }',
      "node_modules/words/package.json": '{ "name": "words", "version": "1.0.0", "main": "i.js" }',
      "node_modules/words/i.js": "exports.words = [__dirname.split('/').slice(-2).join('/')];\n" +
        'try { require("optional"); } catch (error) { exports.words.push(error.code); }\n' +
        'exports.never = () => require("lacking/x");\n',
      "src/main.ts": 'import { init } from "deploy";\nimport { words } from "words";\n' +
        "await init();\nconsole.log(words);\n",
    });
    await Deno.remove(`${project.folder}/deno.json`);
    const args = [cluster.bridge, "src/main.ts"];
    const { code, stdout, stderr } = await deploy(args, { cwd: project.folder });
    assertEquals([code, stdout], [0, '[ "node_modules/words", "MODULE_NOT_FOUND" ]\n'], stderr);
  });

  await t.step("the language and the terminal are those of who deploys", async () => {
    await using project = await Project.make({
      "main.ts": 'import { init } from "deploy";\nawait init();\n' +
        'console.log(...["LANG", "TERM", "COLUMNS", "TZ", "HIDDEN"].map((name) => Deno.env.get(name)));\n',
    });
    const env = {
      LANG: "de_AT.UTF-8",
      TERM: "vt100",
      COLUMNS: "40",
      TZ: "Asia/Tokyo",
      HIDDEN: "1",
    };
    const args = ["--env", "TZ", cluster.bridge, "main.ts"];
    const { stdout, stderr } = await deploy(args, { cwd: project.folder, env });
    assertEquals(stdout, "de_AT.UTF-8 vt100 40 Asia/Tokyo undefined\n", stderr);
  });

  await t.step("a set of permissions and unknown features of the configuration", async () => {
    await using project = await Project.make({
      "main.ts": 'import { init } from "deploy";\nawait init();\n' +
        'console.log(...["ffi", "sys"].map((name) => Deno.permissions.querySync({ name }).state));\n',
    }, {
      unstable: ["kvv"],
      permissions: {
        default: { net: true, env: true, read: true, write: true, sys: ["hostname"] },
        small: { net: true, read: ["."] },
      },
    });
    const options = { cwd: project.folder };
    const { code, stdout, stderr } = await deploy(["-P", cluster.bridge, "main.ts"], options);
    assertEquals([code, stdout], [0, "prompt prompt\n"], stderr);
    assertStringIncludes(stderr, 'there is no feature "kvv"; did you mean "kv"?\n');
    for (
      const [flag, missing] of [["-P=small", "--allow-env, --allow-read and --allow-write"], [
        "--deny-env",
        "--allow-env",
      ]] as const
    ) {
      const refused = await deploy([flag, cluster.bridge, "main.ts"], options);
      assertEquals(refused.code, 1, refused.stderr);
      assertStringIncludes(
        refused.stderr,
        `Cannot start: this program needs ${missing}; deploy it with: deploy -A main.ts\n`,
      );
    }
  });

  await t.step("a file that an option names must be there", async () => {
    await using project = await Project.make({ "main.ts": "" });
    for (const option of ["--config", "--import-map", "--cert"]) {
      const args = [option, "gone", cluster.bridge, "main.ts"];
      const { code, stderr } = await deploy(args, { cwd: project.folder });
      assertEquals(code, 2, stderr);
      assertStringIncludes(stderr, "gone");
    }
  });
});
