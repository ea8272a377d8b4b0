/** Both kinds of artifact on both kinds of node, and deploy itself compiled. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
// @ts-types="../../types/std_fmt.d.ts"
import { stripAnsiCode } from "@std/fmt/colors";
import { startCluster } from "../fabric/cluster.ts";
import { deploy, deployJson, Project, runHere } from "../system/deploy_harness.ts";
import {
  LOADED_IMPORTS,
  LOADED_INCLUDES,
  LOADED_PROJECT,
} from "../system/loaded_modules_project.ts";
import { MODULES_PROJECT } from "../system/modules_project.ts";
import { compile, type Executable } from "./compile.ts";

const PROGRAM = `
import { init, Receiver, Sender, spawn } from "deploy";
async function worker(parent, job) {
  await using sender = new Sender(parent);
  await sender.send({ got: job, args: Deno.args, cwd: Deno.cwd() });
}
await init({ functions: { worker } });
const found = [];
for (let job = 0; job < 4; job++) {
  const pid = await spawn(worker, job);
  await using receiver = new Receiver(pid);
  found.push((await receiver.recv()).got);
}
console.log(JSON.stringify({
  found,
  main: import.meta.main,
  args: Deno.args,
  data: Deno.readTextFileSync("data.txt"),
  dirname: import.meta.dirname === Deno.cwd(),
  hidden: Deno.env.get("HIDDEN") ?? null,
  given: Deno.env.get("GIVEN"),
  deploy: Object.keys(Deno.env.toObject()).filter((name) => name.startsWith("DEPLOY_")),
}));
if (Deno.args[0] === "throw") {
  throw new Error("on purpose"); // line 25
}
`;

Deno.test("programs run alike as bundles and executables, on nodes from source and compiled", async (t) => {
  await using fabric = await compile("fabric.ts");
  await using project = await Project.make({ "main.ts": PROGRAM, "data.txt": "data" });
  await using modules = await Project.make(MODULES_PROJECT);
  await using loaded = await Project.make(LOADED_PROJECT, {}, LOADED_IMPORTS);
  const deno = Deno.env.get("COMPILE_DENO") ?? Deno.execPath();
  for (const compiled of [undefined, fabric.path]) {
    await using cluster = await startCluster({
      nodes: [{ mem: "4GiB", cpu: 4 }, { mem: "4GiB", cpu: 4 }],
      compiled,
      env: { HIDDEN: "of the node" },
    });
    for (const release of [false, true]) {
      const what = `${release ? "an executable" : "a bundle"}, ${
        compiled === undefined ? "from source" : "compiled"
      }`;
      await t.step(what, async () => {
        const flags = ["--env", "GIVEN=x", "--include", "data.txt"];
        if (release) flags.push("--release");
        const args = [...flags, cluster.bridge, "main.ts", "--", "a b", "-c"];
        const options = { cwd: project.folder, env: { HIDDEN: "of deploy" }, deno };
        const result = await deployJson(args, options);
        assertEquals([result.code, result.stderr], [0, ""]);
        assertEquals(JSON.parse(result.processes[0]!.stdout), {
          found: [0, 1, 2, 3],
          main: true,
          args: ["a b", "-c"],
          data: "data",
          dirname: true,
          hidden: null,
          given: "x",
          deploy: [],
        });
        const failing = await deployJson([...args.slice(0, -2), "throw"], options);
        assertEquals(failing.code, 1);
        assertMatch(
          stripAnsiCode(failing.processes[0]!.stderr),
          /Uncaught \(in promise\) Error: on purpose\n +at [^\n]*main\.ts:25:9\n/,
        );
      });
      await t.step(`${what}: its modules keep their places`, async () => {
        const all = [[modules, []], [loaded, LOADED_INCLUDES]] as const;
        // Compiling takes long: an executable is of one of them.
        const some = release ? [all[compiled === undefined ? 0 : 1]] : all;
        for (const [{ folder }, flags] of some) {
          const args = [...flags, cluster.bridge, "src/main.ts"];
          if (release) args.unshift("--release");
          const { code, stdout, stderr } = await deploy(args, { cwd: folder, deno });
          assertEquals(code, 0, stderr);
          assertEquals(stdout.split("\n"), (await runHere(folder, deno)).split("\n"));
        }
      });
    }
  }
});

Deno.test("a compiled fabric refuses settings that only an executable of the program can have", async () => {
  await using fabric = await compile("fabric.ts");
  await using cluster = await startCluster({ compiled: fabric.path });
  await using project = await Project.make({
    "main.ts": 'import { init } from "deploy";\nawait init();\n' +
      "console.log(location.href, typeof gc);\n",
  });
  const args = ["--location=https://example.com/a", "--v8-flags=--expose-gc", cluster.bridge];
  const deno = Deno.env.get("COMPILE_DENO") ?? Deno.execPath();
  const options = { cwd: project.folder, deno };
  const bundled = await deploy(args, options);
  assertEquals(bundled.code, 1);
  assertMatch(bundled.stderr, /Cannot run main\.ts with --v8-flags=--expose-gc: .* --release/);
  const released = await deploy(["--release", ...args], options);
  const { code, stdout, stderr } = released;
  assertEquals([code, stdout], [0, "https://example.com/a function\n"], stderr);
});

Deno.test("a compiled deploy builds with the deno on the PATH, and ships executables as they are", async () => {
  await using deploy = await compile("cli.ts");
  await using cluster = await startCluster({ nodes: [{ mem: "4GiB", cpu: 4 }] });
  await using project = await Project.make({ "main.ts": PROGRAM, "data.txt": "data" });
  const options = { cwd: project.folder, command: deploy.path };
  const flags = ["--env", "GIVEN=x", "--include", "data.txt", cluster.bridge];
  const bundled = await deployJson([...flags, "main.ts"], options);
  assertEquals([bundled.code, bundled.stderr], [0, ""]);

  // It has the runtime that a program imports, wherever that is not said.
  await using bare = await Project.make({
    "main.ts": PROGRAM,
    "data.txt": "data",
    "deno.json": "{}",
  });
  const { code, stderr } = await deployJson([...flags, "main.ts"], {
    ...options,
    cwd: bare.folder,
  });
  assertEquals([code, stderr], [0, ""]);

  await using program: Executable = await compile("examples/workers.ts");
  const shipped = await deployJson([cluster.bridge, program.path], options);
  assertEquals([shipped.code, shipped.stderr], [0, ""]);
  assertEquals(shipped.processes[0]!.stdout, "total 4500!\n");

  // With everything around it, and so with itself.
  await Deno.copyFile(program.path, `${project.folder}/workers`);
  const whole = await deployJson(["--include", ".", cluster.bridge, "workers"], options);
  assertEquals([whole.code, whole.stderr], [0, ""]);
  assertEquals(whole.processes[0]!.stdout, "total 4500!\n");
});
