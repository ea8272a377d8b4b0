/** Programs whose machine lets them open few files. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { startCluster } from "../fabric/cluster.ts";
import { deploy, Project } from "./deploy_harness.ts";
import { withoutNotices } from "./helpers.ts";

/** Spawns as many processes as its argument says at once, which stay until all spawns are settled. */
const BURST = `
  import { init, kill, spawn } from "deploy";
  const work = () => new Promise(() => setTimeout(() => {}, 600_000));
  await init({ functions: { work }, resources: { mem: 1, cpu: 0 } });
  const spawns = Array.from({ length: Number(Deno.args[0]) }, () => spawn(work, { resources: { mem: 1, cpu: 0 } }));
  const settled = await Promise.allSettled(spawns);
  const pids = settled.filter(({ status }) => status === "fulfilled").map(({ value }) => value);
  const errors = settled.filter(({ status }) => status === "rejected").map(({ reason }) => reason);
  console.log(JSON.stringify({
    started: pids.length,
    errors: [...new Set(errors.map(({ reason, message }) => reason + ": " + message))],
  }));
  await Promise.all(pids.map((pid) => kill(pid)));
`;

/** A command that runs the one in its arguments with so many open files. */
const withFiles = (
  limit: number,
): string[] => ["/bin/sh", "-c", `ulimit -n ${limit}; exec "$@"`, "sh"];

/** What each node lends. */
const ROOMY = { mem: "16GiB", cpu: 16 };

const ignore = Deno.build.os !== "linux";

Deno.test({
  name: "of more spawns than files can be opened for, each is settled, and the others say why",
  ignore,
  fn: async () => {
    await using project = await Project.make({ "main.ts": BURST });
    const [command, ...args] = [...withFiles(60), Deno.execPath(), "run", "-A", "main.ts", "40"];
    const { code, stdout, stderr } = await new Deno.Command(command!, {
      args,
      cwd: project.folder,
      env: { DEPLOY_FORMAT: "human", NO_COLOR: "1" },
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assertEquals(code, 0, err);
    const { started, errors } = JSON.parse(out!);
    assert(started >= 1 && started < 40, out);
    assertEquals(errors.length, 1, out);
    assertMatch(
      errors[0],
      /^not-started: Cannot start work\(\): too many open files: raise the limit/,
    );
    // A heading, a start, an end and an empty line at most for each, and what is said of them all.
    assert(withoutNotices(err!).split("\n").length < 4 * started + 10, err);
  },
});

Deno.test({
  name: "spawns that one node of a cluster has no files for are started on another",
  ignore,
  fn: async () => {
    await using cluster = await startCluster({
      nodes: [ROOMY, ROOMY],
      prefixes: [[], withFiles(60)],
    });
    await using project = await Project.make({ "main.ts": BURST });
    const { code, stdout, stderr } = await deploy([cluster.bridge, "main.ts", "--", "14"], {
      cwd: project.folder,
    });
    assertEquals(code, 0, stderr);
    assertEquals(JSON.parse(stdout), { started: 14, errors: [] });
    const [, limited] = cluster.addresses;
    const said = /cannot start processes/;
    await cluster.master.line(said);
    for (const line of cluster.master.err.filter((line) => said.test(line))) {
      assertMatch(line, new RegExp(`node ${limited} cannot start processes: too many open files`));
    }
  },
});
