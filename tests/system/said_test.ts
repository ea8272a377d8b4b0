/** The system's own messages about a run on a cluster: one line each, on stderr. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import { startCluster } from "../fabric/cluster.ts";
import { deploy, Project } from "./deploy_harness.ts";

const PROGRAM = `
import { init, spawn, wait } from "deploy";
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const hold = () => sleep(14_000);
const merge = () => sleep(2_500);
await init({ functions: { hold, merge } });
await spawn(hold, undefined, { cpu: 0.5 });
await spawn(merge, undefined, { cpu: 0.75 });
`;

Deno.test("deploy reports why a spawn waits for long, and which processes outlive the first", async () => {
  await using cluster = await startCluster({ nodes: [{ mem: "1GiB", cpu: 1 }] });
  await using project = await Project.make({ "main.ts": PROGRAM });
  const args = ["--format", "lines", cluster.bridge, "main.ts"];
  const { code, stdout, stderr } = await deploy(args, { cwd: project.folder });
  assertEquals([code, stdout], [0, ""], stderr);
  const said = stderr.split("\n").filter((line) => /^deploy: .*(waited|ended)/.test(line));
  assertEquals(said.length, 2, stderr);
  assertMatch(
    said[0]!,
    /^deploy: [0-9a-f]{7} has waited for 10 s to spawn merge: no node has 100 MiB and 0\.75 cores free$/,
  );
  assertMatch(
    said[1]!,
    /^deploy: the first process has ended; 1 other still runs: [0-9a-f]{7} merge$/,
  );
});
