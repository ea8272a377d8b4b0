/**
 * Measures placement: a simulated cluster of 10 000 nodes where 100 000 spawns wait.
 *
 * `deno run scripts/bench/placement.ts [--nodes=10000] [--waiting=100000] [--seed=1]`. A decision is
 * one request that gets its node; its time includes everything: the request, joining the
 * queue, leaving it, and the release that made room.
 */

// @ts-types="../../types/std_cli.d.ts"
import { parseArgs } from "@std/cli/parse-args";
import { cpuUsage } from "node:process";
import { GiB, MiB, type Resources } from "../../src/core/resources.ts";
import { Placement } from "../../src/master/placement.ts";
import type { Ticket } from "../../src/master/ticket.ts";

type Random = () => number;

/** The sizes of a simulated cluster's nodes and of the requests. */
export interface Workload {
  readonly node: (random: Random) => Resources;
  readonly need: (random: Random) => Resources;
}

/** Options of a simulation. */
export interface SimulationOptions {
  readonly nodes: number;
  /** The number of requests that are kept waiting. */
  readonly waiting: number;
  /** The number of requests made while that many wait. */
  readonly requests: number;
  readonly seed: number;
}

/** One part of a simulation. */
export interface Phase {
  readonly name: string;
  readonly grants: number;
  readonly ms: number;
  /** The CPU time of this process, including garbage collection. */
  readonly cpuMs: number;
}

/** The result of a simulation. */
export interface SimulationResult {
  readonly phases: readonly Phase[];
  readonly requests: number;
  readonly granted: number;
  readonly released: number;
  /** The maximum share in use of any node. */
  readonly fullest: number;
  /** The maximum number of grants to younger requests that any checked request saw. */
  readonly mostOvertaken: number;
}

/** A seeded source of numbers from 0 to 1: mulberry32. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function pick<T>(choices: readonly T[], random: Random): T {
  return choices[Math.floor(random() * choices.length)]!;
}

const NODES: readonly Resources[] = [
  { mem: 16 * GiB, cpu: 8 },
  { mem: 64 * GiB, cpu: 16 },
  { mem: 128 * GiB, cpu: 16 },
  { mem: 128 * GiB, cpu: 64 },
];
const SMALL: Resources = { mem: 100 * MiB, cpu: 1 / 16 };
const MIXED: readonly Resources[] = [
  SMALL,
  SMALL,
  SMALL,
  { mem: GiB, cpu: 1 },
  { mem: 2 * GiB, cpu: 0.5 },
  { mem: 8 * GiB, cpu: 2 },
  { mem: 48 * GiB, cpu: 1 },
  { mem: 4 * GiB, cpu: 12 },
];

/** Clusters and requests that stress different parts of placement. */
export const WORKLOADS: Readonly<Record<string, Workload>> = {
  "one size": { node: () => NODES[1]!, need: () => ({ mem: 2 * GiB, cpu: 1 }) },
  "eight sizes": { node: (random) => pick(NODES, random), need: (random) => pick(MIXED, random) },
  "all sizes": {
    node: (random) => ({ mem: (8 + random() * 248) * GiB, cpu: 4 + random() * 60 }),
    need: (random) => ({ mem: random() ** 4 * 64 * GiB, cpu: random() ** 4 * 32 }),
  },
};

/**
 * Fills a cluster until `waiting` requests wait, keeps that many waiting while the granted ones are
 * released at random, then makes no more, and releases until nothing is left.
 */
export function simulate(workload: Workload, options: SimulationOptions): SimulationResult {
  const random = randomFrom(options.seed);
  const placement = new Placement<number>();
  for (let index = 0; index < options.nodes; index++) {
    placement.addNode(`node ${index}`, workload.node(random));
  }
  const running: Ticket<number>[] = [];
  const phases: Phase[] = [];
  let [made, granted, released, fullest, mostOvertaken] = [0, 0, 0, 0, 0];

  const ask = (): void => {
    const ticket = placement.request(made, workload.need(random));
    if (ticket === "unsatisfiable") return;
    made++;
    if (ticket.state === "granted") granted = running.push(ticket) + released;
  };
  const end = (): void => {
    const at = Math.floor(random() * running.length);
    const ticket = running[at]!;
    running[at] = running[running.length - 1]!;
    running.pop();
    released++;
    for (const grant of placement.release(ticket)) running.push(grant);
    granted = running.length + released;
  };
  const phase = (name: string, body: () => void): void => {
    const [start, cpu, before] = [performance.now(), cpuUsage(), granted];
    body();
    const ms = performance.now() - start;
    const { user, system } = cpuUsage(cpu);
    phases.push({ name, grants: granted - before, ms, cpuMs: (user + system) / 1000 });
    for (const { capacity, inUse } of placement.usage()) {
      fullest = Math.max(fullest, inUse.mem / capacity.mem, inUse.cpu / capacity.cpu);
    }
    for (const waiting of placement.waiting()) {
      mostOvertaken = Math.max(mostOvertaken, waiting.overtaken);
    }
  };

  phase("fill", () => {
    while (made - granted < options.waiting) ask();
  });
  phase("busy", () => {
    for (const last = made + options.requests; made < last;) {
      end();
      while (made - granted < options.waiting && made < last) ask();
    }
  });
  phase("drain", () => {
    while (running.length > 0) end();
  });
  return { phases, requests: made, granted, released, fullest, mostOvertaken };
}

function main(args: readonly string[]): void {
  const { nodes, waiting, requests, seed } = parseArgs(args, {
    string: ["nodes", "waiting", "requests", "seed"],
    unknown: (arg) => {
      throw new TypeError(`unknown argument: ${arg}`);
    },
  });
  const options: SimulationOptions = {
    nodes: Number(nodes ?? 10_000),
    waiting: Number(waiting ?? 100_000),
    requests: Number(requests ?? 500_000),
    seed: Number(seed ?? 1),
  };
  console.log(`placement, ${options.nodes} nodes, ${options.waiting} waiting: decisions/s`);
  for (const [name, workload] of Object.entries(WORKLOADS)) {
    const { phases, mostOvertaken } = simulate(workload, options);
    const speeds = phases.map((phase) => {
      const [wall, cpu] = [phase.ms, phase.cpuMs].map((ms) => Math.round(phase.grants / ms));
      return `${phase.name} ${wall}k, ${cpu}k by CPU (${phase.grants})`;
    });
    console.log(`  ${name.padEnd(12)} ${speeds.join("  ")}  overtaken at most ${mostOvertaken}`);
  }
}

if (import.meta.main) main(Deno.args);
