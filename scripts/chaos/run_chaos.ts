/** Random programs and random faults on one cluster, until the time is over. */

import type { ExitStatus } from "deploy";
import { type RunResult, TestCluster } from "deploy/testing";
import { randomOf } from "../../src/testing/chaos.ts";
import { type ActiveRun, checkLeft, noneLeft } from "./active_run.ts";
import { delay, Faults } from "./faults.ts";
import { heldMore, type Holdings, holdingsOf } from "./holdings.ts";
import { type FaultKind, faultsOf, type ProgramPlan, programsOf } from "./plan.ts";
import type { ChaosResult } from "./report.ts";
import { isSilence, type Seen, violations } from "./seen.ts";

const PROGRAM = new URL("./program.ts", import.meta.url);

const NODES = 4;

/** A run that has not ended this long after the last fault hangs. */
const PATIENCE_MS = 120_000;

/** So long after its last run, a cluster holds what it held before the first one. */
const SETTLED_WITHIN_MS = 60_000;

/** What a cluster has done before its holdings are looked at for the first time. */
const FIRST: ProgramPlan = {
  kind: "streams",
  processes: 8,
  values: 10,
  bytes: 1_000,
  pauseMs: 0,
  ending: "return",
  depth: 1,
};

export interface ChaosSettings {
  /** How long programs and faults are begun. */
  readonly seconds: number;
  readonly seed: number;
  /** How many programs run at a time. */
  readonly programs: number;
  /** How many faults there are at a time. */
  readonly faults: number;
  readonly kinds: readonly FaultKind[];
}

/** Runs it to its end. `log` gets one line about each program that ends, and each fault. */
export async function runChaos(
  settings: ChaosSettings,
  log: (line: string) => void,
): Promise<ChaosResult> {
  const chaos = new RunningChaos(settings, log);
  return await chaos.run();
}

class RunningChaos {
  readonly #settings: ChaosSettings;
  readonly #log: (line: string) => void;
  readonly #active = new Set<ActiveRun>();
  readonly #programs: Record<string, number> = {};
  readonly #faultCounts: Record<string, number> = {};
  readonly #violations: string[] = [];
  #processes = 0;
  #silences = 0;
  #values = 0;
  #begun = 0;
  #endMs = Infinity;

  constructor(settings: ChaosSettings, log: (line: string) => void) {
    this.#settings = settings;
    this.#log = log;
  }

  async run(): Promise<ChaosResult> {
    const cluster = await TestCluster.start({ nodes: NODES, mem: "8GiB", cpu: 8 });
    try {
      await this.#runAll(cluster);
    } finally {
      await this.#holds("the cluster", () => cluster[Symbol.asyncDispose]());
    }
    return {
      programs: this.#programs,
      faults: this.#faultCounts,
      processes: this.#processes,
      values: this.#values,
      silences: this.#silences,
      violations: this.#violations,
    };
  }

  async #runAll(cluster: TestCluster): Promise<void> {
    const { seed, programs, faults: lanes, seconds } = this.#settings;
    const faults = new Faults(cluster, this.#active, ({ kind, forMs }, what) => {
      count(this.#faultCounts, kind);
      this.#log(`  ${kind} ${what}${kind.startsWith("freeze") ? ` for ${forMs} ms` : ""}`);
    });
    await this.#runProgram(cluster, FIRST, faults);
    const before = await holdingsOf(cluster);
    this.#endMs = performance.now() + seconds * 1_000;
    await Promise.all([
      ...lanesOf(programs, (lane) => this.#runPrograms(cluster, faults, randomOf(seed + lane))),
      ...lanesOf(lanes, (lane) => this.#makeFaults(faults, randomOf(seed + 1_000 + lane))),
    ]);
    await this.#holds("the cluster", () => this.#checkHoldings(cluster, before));
  }

  get #isOver(): boolean {
    return performance.now() >= this.#endMs;
  }

  async #runPrograms(
    cluster: TestCluster,
    faults: Faults,
    random: () => number,
  ): Promise<void> {
    for (const plan of programsOf(random)) {
      await faults.clusterUp();
      if (this.#isOver) return;
      await this.#runProgram(cluster, plan, faults);
    }
  }

  async #runProgram(cluster: TestCluster, plan: ProgramPlan, faults: Faults): Promise<void> {
    const id = `chaos-${this.#begun++}-${crypto.randomUUID().slice(0, 8)}`;
    const leftMs = this.#endMs === Infinity ? 0 : Math.max(0, this.#endMs - performance.now());
    const timeoutMs = leftMs + PATIENCE_MS;
    const run = await cluster.deploy(PROGRAM, { args: [JSON.stringify(plan), id], timeoutMs });
    const active: ActiveRun = { id, run, happened: new Set(), deployKilled: false };
    // It was about to start when the master or the bridge was lost.
    if (!faults.isUp) active.happened.add("head-lost");
    this.#active.add(active);
    try {
      const result = await run.ended;
      this.#check(plan, active, result);
    } catch (error) {
      // The events of a deploy that was killed are not complete.
      if (!active.deployKilled) this.#violate(id, `${plan.kind}: ${messageOf(error)}`);
    } finally {
      this.#active.delete(active);
      await this.#holds(id, () => noneLeft(active));
      await this.#holds(id, () => checkLeft(active));
    }
    count(this.#programs, plan.kind);
  }

  #check(plan: ProgramPlan, { id, happened }: ActiveRun, result: RunResult): void {
    const { code, processes } = result;
    const lines = processes[0]?.stdout.split("\n") ?? [];
    const statuses = new Map<string, ExitStatus>(processes.map(({ pid, status }) => [pid, status]));
    const stderr = result.stderr + result.said;
    const texts = [stderr, ...processes.map(({ status }) => "lost" in status ? status.lost : "")];
    if (texts.some(isSilence)) {
      happened.add("silent");
      this.#silences++;
    }
    const found = violations(plan, { code, lines, stderr, statuses, happened });
    for (const each of found) this.#violate(id, `${plan.kind}: ${each}`);
    this.#processes += processes.length;
    for (const line of lines) {
      if (!line.startsWith("seen ")) continue;
      const seen: Seen = JSON.parse(line.slice("seen ".length));
      if (seen.what === "stream") this.#values += seen.received;
    }
    this.#log(`${id} ${plan.kind}: ${processes.length} processes, exit status ${code}`);
  }

  async #makeFaults(faults: Faults, random: () => number): Promise<void> {
    for (const fault of faultsOf(random, this.#settings.kinds)) {
      await delay(Math.min(fault.afterMs, Math.max(0, this.#endMs - performance.now())));
      if (this.#isOver) return;
      await this.#holds(fault.kind, () => faults.make(fault));
    }
  }

  /** @throws {Error} If the cluster still holds more than before after a while. */
  async #checkHoldings(cluster: TestCluster, before: Holdings): Promise<void> {
    const endMs = performance.now() + SETTLED_WITHIN_MS;
    for (;;) {
      const more = heldMore(before, await holdingsOf(cluster));
      if (more.length === 0) return;
      if (performance.now() > endMs) throw new Error(`leaked: ${more.join("; ")}`);
      await delay(500);
    }
  }

  /** Runs `work`; what it throws is a promise that does not hold. */
  async #holds(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#violate(what, messageOf(error));
    }
  }

  #violate(what: string, why: string): void {
    const line = `${what}: ${why}`;
    this.#violations.push(line);
    this.#log(`NOT as promised: ${line}`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function lanesOf(number: number, run: (lane: number) => Promise<void>): Promise<void>[] {
  return Array.from({ length: number }, (_, lane) => run(lane));
}

function count(counts: Record<string, number>, kind: string): void {
  counts[kind] = (counts[kind] ?? 0) + 1;
}
