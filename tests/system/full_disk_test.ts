/** A cluster of which one node has no disk space left. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { startCluster } from "../fabric/cluster.ts";
import { deploy, deployJson, Project } from "./deploy_harness.ts";

const SPAWNS = `
  import { init, spawn, wait } from "deploy";
  const work = () => {};
  await init({ functions: { work } });
  const pids = await Promise.all(Array.from({ length: 6 }, () => spawn(work)));
  await Promise.all(pids.map((pid) => wait(pid)));
`;

const ROOMY = { mem: "16GiB", cpu: 16 };

async function succeeds(command: string, ...args: string[]): Promise<boolean> {
  return (await new Deno.Command(command, { args, stderr: "null" }).output()).success;
}

Deno.test({
  name:
    "a node without disk space fails no deployment, says why, and is used again when it has some",
  ignore: Deno.build.os !== "linux" || Deno.uid() !== 0,
  fn: async () => {
    await using cluster = await startCluster({ nodes: [ROOMY, ROOMY] });
    await using project = await Project.make({ "main.ts": SPAWNS });
    const { folder: cwd } = project;
    const [own, full] = cluster.addresses;
    const live = `${cluster.stores[1]}/live`;
    const [owner] = Array.from(Deno.readDirSync(live), ({ name }) => `${live}/${name}`);
    // Not every root may mount.
    if (!await succeeds("mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", owner!)) return;
    let isMounted = true;
    const unmount = async () => isMounted && (isMounted = !await succeeds("umount", "-l", owner!));
    try {
      await Deno.writeFile(`${owner}/filler`, new Uint8Array(4_096));
      for (let deployment = 0; deployment < 2; deployment++) {
        const { code, processes, stderr } = await deployJson([cluster.bridge, "main.ts"], { cwd });
        assertEquals(code, 0, stderr);
        assertEquals(processes.map(({ node }) => node), Array(7).fill(own));
      }
      const [line] = await cluster.master.line(/.*cannot start processes.*/);
      assertMatch(
        line,
        new RegExp(`node ${full} cannot start processes: Cannot store files in .*`),
      );
      await unmount();
      // It is tried again soon, and has become the emptier one.
      for (;;) {
        const { code, processes, stderr } = await deployJson([cluster.bridge, "main.ts"], { cwd });
        assertEquals(code, 0, stderr);
        if (processes.some(({ node }) => node === full)) break;
      }
      const { stdout } = await deploy(["nodes", "--format", "json", cluster.bridge], { cwd });
      const states = stdout.trim().split("\n").map((text) => JSON.parse(text).state);
      assert(states.every((state) => state === "up"), stdout);
    } finally {
      await unmount();
    }
  },
});
