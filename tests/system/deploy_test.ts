/** Programs that are deployed to a cluster of three nodes, as users see them. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
// @ts-types="../../types/std_fmt.d.ts"
import { stripAnsiCode } from "@std/fmt/colors";
import { startCluster } from "../fabric/cluster.ts";
import { within } from "../within.ts";
import { deploy, deployJson, Project } from "./deploy_harness.ts";
import { withoutNotices } from "./helpers.ts";

const COUNT = `import type { Pid } from "deploy";

export async function count(_: Pid, n: number): Promise<void> {
  for (let i = 0; i < n; i++) await new Promise((resolve) => setTimeout(resolve));
  helper(n);
}

function helper(n: number): never {
  throw new TypeError(\`bad count \${n}\`);
}
`;

/** Errors of the program and of the runtime, caught and not caught. */
const TRACES = `import { init, spawn, wait } from "deploy";
import { count } from "./src/count.ts";
await init({ functions: { count } });
await wait(await spawn(count, 3));
try {
  fail("caught");
} catch (error) {
  console.log((error as Error).stack);
}
await spawn(function main() {}).catch((error) => console.log(error.stack));
fail("not caught");
function fail(why: string): never {
  throw new RangeError(why);
}
`;

/** Prints everything that a program can know about itself. */
const TELLS = `
import { init, resources, spawn, wait } from "deploy";
import { helper } from "./lib/helper.ts";
async function child() {
  console.log(JSON.stringify({ args: Deno.args, A: Deno.env.get("A"), cwd: Deno.cwd() }));
}
await init({ functions: { child }, resources: { mem: 123456789, cpu: 0.25 } });
console.log(JSON.stringify({
  main: import.meta.main,
  dirname: import.meta.dirname === Deno.cwd(),
  helper: helper(),
  args: Deno.args,
  env: Deno.env.toObject(),
  resources: resources(),
  files: [...Deno.readDirSync(".")].map(({ name }) => name).sort(),
}));
await wait(await spawn(child));
if (Deno.args.includes("--throw")) {
  throw new Error("on purpose"); // line 19
}
`;
const TELLS_FILES = {
  "main.ts": TELLS,
  "lib/helper.ts": `export function helper(): boolean { return import.meta.main; }\n`,
};

Deno.test("a deployed program", async (t) => {
  await using cluster = await startCluster();
  await using project = await Project.make({ ...TELLS_FILES, "data/a.txt": "A", "b.sh": "B" });
  await Deno.chmod(`${project.folder}/b.sh`, 0o755);
  const cwd = project.folder;
  const to = (...args: string[]) => [...args.slice(0, -1), cluster.bridge, args.at(-1)!];

  await t.step("knows that it is the main module, where it is, and its arguments", async () => {
    const args = ["x y", "ü\t", "--", "-v"];
    const result = await deployJson([...to("main.ts"), "--", ...args], { cwd });
    assertEquals([result.code, withoutNotices(result.stderr)], [0, ""]);
    const [first, child] = result.processes;
    const told = JSON.parse(first!.stdout);
    assertEquals(
      { ...told, env: undefined },
      {
        main: true,
        dirname: true,
        helper: false,
        args,
        env: undefined,
        resources: { mem: 123456789, cpu: 0.25 },
        files: [],
      },
    );
    assertEquals(JSON.parse(child!.stdout).args, args);
  });

  await t.step("sees what --env names of the environment, and nothing else of it", async () => {
    const env = { A: "one", B: "two", DEPLOY_LOG: "info", SECRET: "three" };
    const args = to("--env", "A", "--env", "C=x=y", "main.ts");
    const result = await deployJson(args, { cwd, env });
    const told = JSON.parse(result.processes[0]!.stdout).env;
    assertEquals([told.A, told.B, told.C, told.SECRET], ["one", undefined, "x=y", undefined]);
    assertEquals(Object.keys(told).filter((name) => name.startsWith("DEPLOY_")), []);
    assertEquals(JSON.parse(result.processes[1]!.stdout).A, "one");
  });

  await t.step("finds what --include names beside it, and gets --mem and --cpu", async () => {
    const flags = ["--include", "data", "--include", "b.sh", "--mem", "1MiB", "--cpu", "0.5"];
    const result = await deployJson(to(...flags, "main.ts"), { cwd });
    const told = JSON.parse(result.processes[0]!.stdout);
    assertEquals(told.files, ["b.sh", "data"]);
    assertEquals(told.resources, { mem: 1024 ** 2, cpu: 0.5 });
  });

  await t.step("has the traces of deno run: its own files, as they are called here", async () => {
    await Deno.mkdir(`${cwd}/src`, { recursive: true });
    await Deno.writeTextFile(`${cwd}/src/count.ts`, COUNT);
    await Deno.writeTextFile(`${cwd}/traces.ts`, TRACES);
    const { code, processes } = await deployJson(to("traces.ts"), { cwd });
    assertEquals(code, 1);
    const [main, child] = processes.map(({ stdout, stderr }) =>
      // Deno 2.6 adds frames of its own.
      stripAnsiCode(stdout + stderr).match(/^.*Error: .*$|^ +at (?!.*\bext:).*$/gm)
    );
    const url = `file://${cwd}`;
    assertEquals(child, [
      "error: Uncaught (in promise) TypeError: bad count 3",
      `    at helper (${url}/src/count.ts:9:9)`,
      `    at count (${url}/src/count.ts:5:3)`,
    ]);
    assertEquals(main, [
      "RangeError: caught",
      `    at fail (${url}/traces.ts:13:9)`,
      `    at ${url}/traces.ts:6:3`,
      "SpawnError: Cannot spawn main(): it is not registered; name it in init({ functions: { main } }), " +
      'or register it at module scope with spawnable("package/main", main)',
      `    at ${url}/traces.ts:10:7`,
      "error: Uncaught (in promise) RangeError: not caught",
      `    at fail (${url}/traces.ts:13:9)`,
      `    at ${url}/traces.ts:11:1`,
    ]);
  });

  await t.step("leaves no folder behind on any node", async () => {
    const child = `${project.folder}/where.ts`;
    await Deno.writeTextFile(
      child,
      `import { init } from "deploy";
       await init();
       Deno.writeTextFileSync("left", "");
       console.log(Deno.cwd());`,
    );
    const { code, stdout } = await deploy(to("where.ts"), { cwd });
    assertEquals(code, 0);
    // The nodes remove it when the run is over; deploy does not wait for that.
    const there = () => Deno.stat(stdout.trim()).then(() => true, () => false);
    await within(5_000, async () => !(await there()), () => `${stdout.trim()} is there`);
  });

  await t.step("is found through deno.json, from a folder below, and DEPLOY_BRIDGE", async () => {
    const deployed = { bridge: cluster.bridge, main: "lib/main.ts" };
    const source = `import { init } from "deploy"; await init(); console.log("from lib");`;
    await using other = await Project.make({ "lib/main.ts": source }, { deploy: deployed });
    const below = `${other.folder}/lib`;
    assertEquals((await deploy([], { cwd: other.folder })).stdout, "from lib\n");
    assertEquals((await deploy([], { cwd: below })).stdout, "from lib\n");
    await using plain = await Project.make({ "main.ts": source });
    const env = { DEPLOY_BRIDGE: cluster.bridge };
    assertEquals((await deploy([], { cwd: plain.folder, env })).stdout, "from lib\n");
    const far = await deploy([`${plain.folder}/main.ts`], { cwd: "/", env });
    assertEquals([far.code, far.stdout], [0, "from lib\n"]);
  });

  await t.step("is not sent again when the cluster has it", async () => {
    const first = await deploy(to("--include", "data", "main.ts"), { cwd });
    assertMatch(
      first.stderr,
      /^deploy: built main\.ts: \d+ KiB, \d+\.\d s\ndeploy: the cluster had all of/,
    );
    await Deno.writeTextFile(`${cwd}/data/a.txt`, "another");
    const second = await deploy(to("--include", "data", "main.ts"), { cwd });
    assertMatch(second.stderr, /\ndeploy: sent 7 B, .*; the cluster had \d+ KiB of/);
  });

  await t.step("is tried here by a dry run, which sends nothing", async () => {
    await Deno.writeTextFile(`${cwd}/data/a.txt`, crypto.randomUUID());
    const dry = to("--dry-run", "--include", "data", "main.ts");
    for (let round = 0; round < 2; round++) {
      const { code, stdout, stderr } = await deploy(dry, { cwd });
      assertEquals([code, stdout], [0, ""]);
      assertMatch(
        stderr,
        /\ndeploy: 3 files:\n[^]*\ndeploy: +36 B {2}data\/a\.txt\ndeploy: would send 36 B of \d+ KiB\ndeploy: 118 MiB and 0\.25 cores would go to 127/,
      );
    }
    const huge = await deploy(to("--dry-run", "--mem", "1TiB", "main.ts"), { cwd });
    assertMatch(huge.stderr, /no node has 1024 GiB/);
    assertEquals(huge.code, 1, "it fits nowhere");
    // Without a dry run, that is said before anything is sent.
    const refused = await deploy(to("--mem", "1TiB", "main.ts"), { cwd });
    assertMatch(refused.stderr, /^deploy: Cannot deploy main\.ts: no node has 1024 GiB; .*\n$/m);
    assertEquals([refused.code, refused.stderr.includes("sent")], [1, false]);
    await Deno.writeTextFile(`${cwd}/bad.ts`, `console.log("tried"); throw new Error("bad");`);
    const bad = await deploy(to("--dry-run", "bad.ts"), { cwd });
    assertEquals([bad.code, bad.stdout], [1, ""]);
    assertMatch(
      bad.stderr,
      /tried\n[^]*Error: bad[^]*\ndeploy: Cannot start: the program exited with 1/,
    );
  });

  await t.step("shows its output cleanly on stdout, and as events with --format json", async () => {
    const source = `import { init } from "deploy"; await init();
      console.log("out"); console.error("err"); Deno.stdout.writeSync(new Uint8Array([0xff]));`;
    await Deno.writeTextFile(`${cwd}/out.ts`, source);
    const human = await deploy(to("out.ts"), { cwd });
    assertEquals(human.stdout, "out\n\ufffd");
    assert(human.stderr.includes("   exited\n"), human.stderr);
    const json = await deployJson(to("out.ts"), { cwd, env: { DEPLOY_LOG: "error" } });
    assertEquals([withoutNotices(json.stderr), json.processes[0]!.stderr], ["", "err\n"]);
    const variable = await deploy(to("out.ts"), { cwd, env: { DEPLOY_FORMAT: "json" } });
    assertEquals(JSON.parse(variable.stdout.split("\n")[0]!).event, "spawn");
  });
});
