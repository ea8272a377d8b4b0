/** The system's own messages about a run, on stderr: one line each, and a paragraph if it fails. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import { startCluster } from "../fabric/cluster.ts";
import { Deployed } from "../fabric/deployed.ts";
import { deploy, Project } from "./deploy_harness.ts";
import { runProgram } from "./helpers.ts";

/** Two processes that do not fit at once, each until there is a file of its name. */
const PROGRAM = `
import { init, spawn } from "deploy";
const until = async (name) => {
  while (!(await Deno.stat(Deno.args[0] + "/" + name).then(() => true, () => false))) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
const hold = () => until("hold");
const merge = () => until("merge");
await init({ functions: { hold, merge } });
await spawn(hold, undefined, { cpu: 0.5 });
await spawn(merge, undefined, { cpu: 0.75 });
`;

Deno.test("deploy reports why a spawn waits for long, and which processes outlive the first", async () => {
  await using cluster = await startCluster({ nodes: [{ mem: "1GiB", cpu: 1 }] });
  const folder = await Deno.makeTempDir({ prefix: "deploy-said-" });
  try {
    await using program = await Deployed.start(cluster.bridge, PROGRAM, {
      args: [folder],
      flags: ["--format", "lines"],
    });
    const lines = () => program.stderr.split("\n").filter((line) => line.startsWith("deploy: "));
    const says = async (part: string): Promise<void> => {
      while (!lines().some((line) => line.includes(part))) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    await says(" has waited ");
    await Deno.writeTextFile(`${folder}/hold`, "");
    await says("first process has ended");
    await Deno.writeTextFile(`${folder}/merge`, "");
    assertEquals(await program.code, 0, program.stderr);
    const [waited = "", ended = "", ...others] = lines()
      .filter((line) => !/^deploy: (built|sent|the cluster had) /.test(line))
      // On a busy machine.
      .filter((line) => !line.includes(" to be started: "));
    assertEquals(others, []);
    assertMatch(
      waited,
      /^deploy: [0-9a-f]{7} has waited for 10 s to spawn merge: no node has 100 MiB and 0\.75 cores free$/,
    );
    assertMatch(
      ended,
      /^deploy: the first process has ended; 1 other still runs: [0-9a-f]{7} merge$/,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Nobody is told that `bad` fails. */
const FAILS = `
import { init, spawn } from "deploy";
function bad() { throw new Error("no such column"); }
const good = () => console.log("good");
await init({ functions: { bad, good } });
await spawn(bad);
await spawn(good);
`;

/** Its last lines are repeated if other output came after them. */
const FAILED = String
  .raw`^deploy: the run failed with 101: (\w{7}) bad exited with 1, [\d.]+ s after its start` +
  String.raw`(?:; its last lines:\n(?: {3}.*\n)+)?`;

Deno.test("a run that fails ends with what failed first, here and on a cluster", async () => {
  const local = await runProgram(FAILS, { format: "human" });
  assertEquals(local.code, 101);
  assertMatch(local.raw.stderr, new RegExp(`${FAILED}\n?$`, "m"));
  await using cluster = await startCluster({ nodes: [{ mem: "1GiB", cpu: 1 }] });
  await using project = await Project.make({ "main.ts": FAILS });
  const { code, stderr } = await deploy([cluster.bridge], { cwd: project.folder });
  assertEquals(code, 101);
  const onNode = FAILED.replace("bad exited", String.raw`bad on 127\.0\.0\.1:\d+ exited`);
  const see = String.raw`see: deploy logs (\w{4}-\w{4}) --process \1, and deploy ps \2\n$`;
  assertMatch(stderr, new RegExp(`${onNode}\n?${see}`, "m"));
});
