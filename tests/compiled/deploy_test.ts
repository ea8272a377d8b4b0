/** What only a compiled fabric or a compiled deploy does. Programs on them: tests/alike. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import { startCluster } from "../fabric/cluster.ts";
import { deploy, deployJson, Project } from "../system/deploy_harness.ts";
import { withoutNotices } from "../system/helpers.ts";
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
`;

Deno.test("a compiled fabric takes on settings of programs, and refuses those that are fixed in it", async () => {
  await using fabric = await compile("fabric.ts", "--unstable-kv");
  await using cluster = await startCluster({ compiled: fabric.path });
  await using project = await Project.make({
    "main.ts": 'import { init } from "deploy";\nawait init();\n' +
      "console.log(location.href, typeof gc);\n",
  });
  await using set = await Project.make({
    "main.ts": `import { init, spawn, wait } from "deploy";
function tell() {
  const state = (name) => Deno.permissions.querySync({ name }).state === "granted";
  console.log(typeof Deno.openKv, state("ffi"), state("sys"), state("net"));
}
await init({ functions: { tell } });
tell();
await wait(await spawn(tell));`,
  }, { unstable: ["kv"] });
  const allowed = ["net", "env", "read", "write", "ffi"].map((name) => `--allow-${name}`);
  const taken = await deploy([...allowed, cluster.bridge, "main.ts"], { cwd: set.folder });
  assertEquals(
    [taken.code, taken.stdout],
    [0, "function true false true\n".repeat(2)],
    taken.stderr,
  );
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
  await using cluster = await startCluster({
    nodes: [{ mem: "4GiB", cpu: 4 }],
    env: { HIDDEN: "of the node" },
  });
  await using project = await Project.make({ "main.ts": PROGRAM, "data.txt": "data" });
  const options = { cwd: project.folder, command: deploy.path, env: { HIDDEN: "of deploy" } };
  const flags = ["--env", "GIVEN=x", "--include", "data.txt", cluster.bridge];
  const bundled = await deployJson([...flags, "main.ts", "--", "a b", "-c"], options);
  assertEquals([bundled.code, withoutNotices(bundled.stderr)], [0, ""]);
  assertEquals(JSON.parse(bundled.processes[0]!.stdout), {
    found: [0, 1, 2, 3],
    main: true,
    args: ["a b", "-c"],
    data: "data",
    dirname: true,
    hidden: null,
    given: "x",
    deploy: [],
  });

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
  assertEquals([code, withoutNotices(stderr)], [0, ""]);

  await using program: Executable = await compile("examples/workers.ts");
  const shipped = await deployJson([cluster.bridge, program.path], options);
  assertEquals([shipped.code, withoutNotices(shipped.stderr)], [0, ""]);
  assertEquals(shipped.processes[0]!.stdout, "total 4500!\n");

  // With everything around it, and so with itself.
  await Deno.copyFile(program.path, `${project.folder}/workers`);
  const whole = await deployJson(["--include", ".", cluster.bridge, "workers"], options);
  assertEquals([whole.code, withoutNotices(whole.stderr)], [0, ""]);
  assertEquals(whole.processes[0]!.stdout, "total 4500!\n");
});
