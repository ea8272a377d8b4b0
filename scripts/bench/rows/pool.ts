/** Small calls of a pool. */

import { Commanded } from "../commanded.ts";
import { peerPath, startProgram } from "../deno_program.ts";
import { nodeModules } from "../node_modules.ts";
import { type Asked, askingRow } from "../open.ts";
import { CALLS } from "../programs/sizes.ts";
import { type Goal, LeftOut, type OpenRow, type Row } from "../row.ts";
import { findTool } from "../tools.ts";

/** The systems compared, and what they run calls on. */
type System = "deploy/pool" | "piscina" | "workerpool";
const WORKERS: Readonly<Record<System, string>> = {
  "deploy/pool": "processes",
  "piscina": "threads",
  "workerpool": "processes",
};

/** Starts a program whose pool has that many workers. */
async function poolOf(system: System, workers: number): Promise<Commanded> {
  if (system === "deploy/pool") return startProgram("pool.ts", { args: [String(workers)] });
  const node = await findTool("node");
  if (node === undefined) throw new LeftOut("Node is not installed");
  const modules = await nodeModules();
  const args = [peerPath(`${system}.mjs`), modules, String(workers), JSON.stringify(CALLS)];
  return new Commanded(node, { args });
}

/** Each system, asked for calls of that kind, on as many workers; peers are not judged. */
async function openPools(
  kind: "one" | "many",
  workers: number,
  systems: readonly System[],
): Promise<OpenRow> {
  const asked: Asked[] = [];
  for (const [index, system] of systems.entries()) {
    const unit = workers === 1 ? WORKERS[system].replace(/(e?s)$/, "") : WORKERS[system];
    const program = await poolOf(system, workers);
    asked.push({ name: `${system}, ${workers} ${unit}`, program, question: kind, peer: index > 1 });
  }
  return askingRow(asked);
}

export const CALL: Row = {
  name: "call",
  title: "pool, small calls one after the other",
  unit: "thousands/s",
  goal: { judges: "ratio", better: "more", must: 0.9, stretch: 1.3 },
  rounds: 7,
  open: () => openPools("one", 1, ["deploy/pool", "piscina", "workerpool"]),
};

function underWay(name: string, workers: number, baseline: System, goal: Goal): Row {
  return {
    name,
    title: `pool, small calls, ${CALLS.underWay} under way, beside ${baseline}`,
    unit: "thousands/s",
    goal,
    rounds: 7,
    open: () => openPools("many", workers, ["deploy/pool", baseline]),
  };
}

const THAN_THREADS: Goal = { judges: "ratio", better: "more", must: 2, stretch: 4 };
const THAN_PROCESSES: Goal = { judges: "ratio", better: "more", must: 4, stretch: 8 };

export const UNDER_WAY: readonly Row[] = [
  underWay("threads-1", 1, "piscina", THAN_THREADS),
  underWay("threads-2", 2, "piscina", THAN_THREADS),
  underWay("processes-1", 1, "workerpool", THAN_PROCESSES),
  underWay("processes-2", 2, "workerpool", THAN_PROCESSES),
];
