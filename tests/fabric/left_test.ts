/** On a cluster, too, what processes have started in other sessions ends with them, however they end. */

// @ts-types="../../types/std_assert.d.ts"
import { assert } from "@std/assert";
import { isAlive, untilGone } from "../node/node_harness.ts";
import { LEAVES } from "../system/left_program.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { Deployed } from "./deployed.ts";

/** 5 s, with the grace that processes have whose master is gone, and some for a busy machine. */
const GONE_MS = 12_000;

/** For each part, deploy included. */
const env = { DEPLOY_SPARES: "0", DEPLOY_LIVENESS: "tests" };

const SETTING = { nodes: [{ mem: "1GiB", cpu: 1 }, { mem: "1GiB", cpu: 1 }], env };

interface Leaving {
  readonly program: Deployed;
  /** The ids of the OS processes that have left. */
  readonly ids: readonly number[];
}

async function startLeaving(cluster: Cluster, end: string): Promise<Leaving> {
  const program = await Deployed.start(cluster.bridge, LEAVES, { args: [end], env });
  await program.says("\n");
  return { program, ids: JSON.parse(program.text.split("\n")[0]!) };
}

/** The fabric of the node that hosts the process with the children. */
function nodeOf({ program }: Leaving, cluster: Cluster) {
  const spawned = program.events.find((event) => event.event === "spawn" && event.parent !== null);
  assert(spawned?.event === "spawn");
  const index = cluster.addresses.indexOf(spawned.node!);
  return index === 0 ? cluster.master : cluster.nodes[index - 1]!;
}

Deno.test({
  name: "what a process on a cluster has started in other sessions ends with it",
  ignore: Deno.build.os !== "linux",
  fn: async (t) => {
    await using cluster = await startCluster(SETTING);
    const ends = ["return", "exit", "throw", "signal", "kill", "told to stop"];
    await Promise.all(ends.map((end) =>
      t.step({
        name: end,
        sanitizeOps: false,
        sanitizeResources: false,
        sanitizeExit: false,
        fn: async () => {
          const leaving = await startLeaving(cluster, end);
          await using program = leaving.program;
          if (end === "told to stop") {
            assert(leaving.ids.every(isAlive), `${leaving.ids}`);
            program.kill("SIGTERM");
          }
          await untilGone(leaving.ids, GONE_MS);
        },
      })
    ));
  },
});

for (const end of ["node killed", "master killed"]) {
  Deno.test({
    name: `what a process on a cluster has started in other sessions ends with it: ${end}`,
    ignore: Deno.build.os !== "linux",
    fn: async () => {
      await using cluster = await startCluster(SETTING);
      const leaving = await startLeaving(cluster, end);
      await using _ = leaving.program;
      assert(leaving.ids.every(isAlive), `${leaving.ids}`);
      const victim = end === "node killed" ? nodeOf(leaving, cluster) : cluster.master;
      victim.kill("SIGKILL");
      await untilGone(leaving.ids, GONE_MS);
    },
  });
}
