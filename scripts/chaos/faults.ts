/** The faults of the chaos, and to which runs they happen. */

import type { TestCluster } from "deploy/testing";
import { signalProcess } from "../../src/testing/os_processes.ts";
import type { TestNode } from "../../src/testing/test_node.ts";
import { type ActiveRun, processesOf } from "./active_run.ts";
import { partsOf } from "./holdings.ts";
import { type FaultPlan, LONG_MS } from "./plan.ts";

/** How long a bridge may take to be restarted, on a machine that does much else, in ms. */
const RESTARTED_MS = 60_000;

/** Makes faults, any number at a time. */
export class Faults {
  readonly #cluster: TestCluster;
  readonly #active: ReadonlySet<ActiveRun>;
  readonly #begun: (fault: FaultPlan, what: string) => void;
  readonly #busyNodes = new Set<TestNode>();
  /** Whether a fault happens to the master or the bridge: the end of another one would end it, too. */
  #isHeadBusy = false;
  /** Resolves when a lost master or bridge is back; `undefined` if none is lost. */
  #up: Promise<void> | undefined;

  /** @param begun Called when a fault begins. */
  constructor(
    cluster: TestCluster,
    active: ReadonlySet<ActiveRun>,
    begun: (fault: FaultPlan, what: string) => void,
  ) {
    this.#cluster = cluster;
    this.#active = active;
    this.#begun = begun;
  }

  /** Whether the master and the bridge are there, as far as faults are concerned. */
  get isUp(): boolean {
    return this.#up === undefined;
  }

  /** Resolves when {@linkcode isUp}. */
  async clusterUp(): Promise<void> {
    while (this.#up !== undefined) await this.#up;
  }

  /** Makes a fault; resolves when it is over. Nothing happens if there is nobody for it to happen to. */
  async make(fault: FaultPlan): Promise<void> {
    const { kind, which } = fault;
    switch (kind) {
      case "kill-node":
      case "freeze-node":
        return await this.#onNode(fault);
      case "freeze-master":
      case "kill-bridge":
      case "freeze-bridge":
        return await this.#onHead(fault);
    }
    const active = one([...this.#active], which);
    if (active === undefined) return;
    if (kind === "kill-process" || kind === "freeze-process") {
      return await this.#onProcess(active, fault);
    }
    await this.#onDeploy(active, fault);
  }

  async #onNode(fault: FaultPlan): Promise<void> {
    const { kind, which, forMs } = fault;
    const free = this.#cluster.nodes.slice(1).filter((each) => !this.#busyNodes.has(each));
    const node = one(free, which);
    if (node === undefined) return;
    this.#busyNodes.add(node);
    try {
      this.#begun(fault, node.address);
      if (kind === "kill-node") {
        for (const { happened } of this.#active) happened.add("node-killed");
      }
      await (kind === "kill-node" ? node.kill() : node.freeze());
      await delay(forMs);
      await (kind === "kill-node" ? node.restart() : node.thaw());
    } finally {
      this.#busyNodes.delete(node);
    }
  }

  /** On the master or the bridge: one at a time. Programs that are to begin wait for its end. */
  async #onHead(fault: FaultPlan): Promise<void> {
    if (this.#isHeadBusy) return;
    this.#isHeadBusy = true;
    try {
      await this.#makeOnHead(fault);
    } finally {
      this.#isHeadBusy = false;
    }
  }

  async #makeOnHead(fault: FaultPlan): Promise<void> {
    const { kind, forMs } = fault;
    const name = kind === "freeze-master" ? "master" : "bridge";
    const parts = await partsOf(this.#cluster);
    const [process, bridge] = [parts.get(name), parts.get("bridge")];
    if (process === undefined || bridge === undefined) throw new Error(`there is no ${name}`);
    const over = Promise.withResolvers<void>();
    const isLoss = kind === "kill-bridge" || forMs >= LONG_MS;
    if (isLoss) {
      this.#up = over.promise;
      for (const { happened } of this.#active) happened.add("head-lost");
    }
    try {
      this.#begun(fault, String(process.id));
      signalProcess(process.id, kind === "kill-bridge" ? "SIGKILL" : "SIGSTOP");
      await delay(forMs);
      if (kind !== "kill-bridge") signalProcess(process.id, "SIGCONT");
      if (!isLoss) return;
      await this.#answers(bridge.id);
    } finally {
      this.#up = undefined;
      over.resolve();
    }
  }

  /** Resolves when there is another bridge than that process, and it takes connections. */
  async #answers(old: number): Promise<void> {
    const [hostname = "", port] = this.#cluster.bridge.split(":");
    const endMs = performance.now() + RESTARTED_MS;
    for (;;) {
      const bridge = (await partsOf(this.#cluster)).get("bridge");
      if (bridge !== undefined && bridge.id !== old) {
        try {
          (await Deno.connect({ hostname, port: Number(port) })).close();
          return;
        } catch (error) {
          if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
        }
      }
      if (performance.now() > endMs) {
        throw new Error(`the bridge was not restarted within ${RESTARTED_MS} ms`);
      }
      await delay(50);
    }
  }

  async #onProcess(active: ActiveRun, fault: FaultPlan): Promise<void> {
    const { kind, which, forMs } = fault;
    const process = one(await processesOf(active), (which * 7_919) % 1);
    if (process === undefined) return;
    this.#begun(fault, `${process.id} of ${active.id}`);
    if (kind === "kill-process") {
      active.happened.add("process-killed");
      signalProcess(process.id, "SIGKILL");
      return;
    }
    if (forMs >= LONG_MS) active.happened.add("process-frozen");
    signalProcess(process.id, "SIGSTOP");
    await delay(forMs);
    signalProcess(process.id, "SIGCONT");
  }

  async #onDeploy(active: ActiveRun, fault: FaultPlan): Promise<void> {
    const { kind, forMs } = fault;
    this.#begun(fault, active.id);
    switch (kind) {
      case "stop-run":
        active.happened.add("ended");
        return active.run.kill("SIGTERM");
      case "kill-deploy":
        active.happened.add("ended");
        active.deployKilled = true;
        return active.run.kill("SIGKILL");
      default:
        if (forMs >= LONG_MS) active.happened.add("deploy-frozen");
        active.run.kill("SIGSTOP");
        await delay(forMs);
        active.run.kill("SIGCONT");
    }
  }
}

function one<Each>(list: readonly Each[], which: number): Each | undefined {
  return list[Math.floor(which * list.length)];
}

/** Resolves after so many milliseconds. */
export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
