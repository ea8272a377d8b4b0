/** A run that asks for far more than there is, and what others on its cluster notice. */

import { TestCluster } from "deploy/testing";
import { projectPath } from "../bench/cluster.ts";
import { run as runCommand } from "../bench/tools.ts";
import { heldMore, holdingsOf, partsOf } from "../chaos/holdings.ts";
import { usageOf } from "../soak/usage.ts";
import { type Load, shown } from "./load.ts";

const PROGRAM = new URL("./program.ts", import.meta.url);

/** Of each node: {@linkcode PROGRAM} holds more than half of both, and then asks for that again and again. */
const NODE = { mem: "8GiB", cpu: 16 };

/** The commands that are asked meanwhile. */
const COMMANDS = ["nodes", "ps"] as const;

/** How often each is asked at least. */
const TIMES = 4;

/** What the commands took, in ms. */
type Took = Record<typeof COMMANDS[number], number[]>;

/** Asks each command, so many times, and longer if `goesOn`. @throws {Error} If one fails. */
async function ask(cluster: TestCluster, goesOn: () => boolean = () => false): Promise<Took> {
  const took: Took = { nodes: [], ps: [] };
  const words = [cluster.bridge, "--secret-file", cluster.secretFile];
  for (let times = 0; times < TIMES || goesOn(); times++) {
    for (const command of COMMANDS) {
      const beginMs = performance.now();
      await runCommand(Deno.execPath(), [
        ...["run", "-A", projectPath("cli.ts"), command, ...words],
      ]);
      took[command].push(performance.now() - beginMs);
    }
  }
  return took;
}

/** What they took, in a line. */
function line(when: string, took: Took): string {
  const each = COMMANDS.map((command) => {
    const sorted = took[command].toSorted((a, b) => a - b);
    const [median, longest] = [sorted[sorted.length >> 1], sorted.at(-1)];
    const ms = `${median!.toFixed(0)} ms, at most ${longest!.toFixed(0)} ms`;
    return `deploy ${command} ${ms} (${sorted.length} times)`;
  });
  return `${when}: ${each.join("; ")}`;
}

/** Many spawns at once for which a cluster has no room. */
export const waiting: Load = {
  count: 100_000,
  describe: (count) => `${shown(count)} spawns at once on a cluster without room for any`,
  async run(count) {
    await using cluster = await TestCluster.start({ nodes: 2, ...NODE });
    await using holder = await cluster.deploy(PROGRAM, {
      ...{ args: ["holds"], timeoutMs: 1_800_000 },
    });
    await holder.output(/^all are there$/);
    const [before, quiet] = [await holdingsOf(cluster), await ask(cluster)];
    const ids = [...await partsOf(cluster)].map(([name, { id }]) => [name, id] as const);
    const beginMs = performance.now();
    const asks = await cluster.deploy(PROGRAM, {
      ...{ args: ["asks", String(count)], timeoutMs: 1_800_000, mem: "2GiB" },
    });
    await asks.output(/^asking$/);
    let askedMs: number | undefined;
    const asked = asks.output(/^asked$/).then(() => askedMs = performance.now() - beginMs);
    const busy = await ask(cluster, () => askedMs === undefined);
    await asked;
    const usages = Object.fromEntries(ids.map(([name, id]) => [name, [usageOf(id, count)]]));
    const stopMs = performance.now();
    await asks[Symbol.asyncDispose]();
    const stoppedMs = performance.now() - stopMs;
    const after = await holdingsOf(cluster);
    // The other run goes on.
    const runFolders = after.runFolders.filter((folder) => !before.runFolders.includes(folder));
    const more = heldMore(before, { ...after, runFolders });
    if (more.length > 0) throw new Error(`held after it: ${more.join("; ")}`);
    const pauses = Array.from(
      stdoutOf(holder.events).matchAll(/^(\d+) ms$/gm),
      ([, ms]) => Number(ms),
    );
    const figures = [
      line("before", quiet),
      line("meanwhile", busy),
      `asked after ${(askedMs! / 1_000).toFixed(1)} s; ended ${
        (stoppedMs / 1_000).toFixed(1)
      } s after it was told to`,
      `another run's values went on: at most ${
        Math.max(...pauses)
      } ms between two that are 50 ms apart`,
    ];
    return { figures, usages };
  },
};

function stdoutOf(events: ProgramEvents): string {
  return events.map((event) => event.event === "output" && "text" in event ? event.text : "").join(
    "",
  );
}

type ProgramEvents = Awaited<ReturnType<TestCluster["deploy"]>>["events"];
