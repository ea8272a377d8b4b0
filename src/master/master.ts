/** Knows the nodes of a run, and which of them has which process. */

import type { ExitStatus } from "../core/exit_status.ts";
import type { Pid } from "../core/pid.ts";
import type { MasterPort, NodePort, SpawnRequest } from "../core/roles.ts";

/** Places processes on nodes, and finds them again. Nodes have no limit of capacity yet. */
export class Master implements MasterPort {
  readonly #nodes: NodePort[] = [];
  /** Never forgotten: a process can be waited for at any time after its end. */
  readonly #places = new Map<Pid, NodePort>();
  readonly #launches = new Set<Promise<unknown>>();
  /** Resolved, and replaced, each time that a launch has succeeded or failed. */
  #settled = Promise.withResolvers<void>();
  #next = 0;

  /** Adds a node, for processes that are spawned from now on. */
  addNode(node: NodePort): void {
    this.#nodes.push(node);
  }

  async spawn(request: SpawnRequest, _options: { wait: boolean }): Promise<Pid> {
    const node = this.#nodes[this.#next++ % this.#nodes.length];
    if (node === undefined) throw new Error("Cannot spawn: the master has no node");
    const launch = node.launch(request);
    this.#launches.add(launch);
    try {
      const pid = await launch;
      this.#places.set(pid, node);
      return pid;
    } finally {
      this.#launches.delete(launch);
      this.#settled.resolve();
      this.#settled = Promise.withResolvers();
    }
  }

  async wait(pid: Pid): Promise<ExitStatus> {
    return (await this.#find("wait for", pid)).wait(pid);
  }

  async kill(pid: Pid): Promise<void> {
    await (await this.#find("kill", pid)).kill(pid);
  }

  /** Gives the node that has the process. */
  async #find(what: string, pid: Pid): Promise<NodePort> {
    // A process that has just started can have told its Pid to another one before its node told it to
    // the master, so those launches that are under way now may turn out to be the process.
    const underWay = [...this.#launches];
    while (!this.#places.has(pid) && underWay.some((launch) => this.#launches.has(launch))) {
      await this.#settled.promise;
    }
    const node = this.#places.get(pid);
    if (node === undefined) {
      throw new Error(`Cannot ${what} ${pid}: this program has no such process`);
    }
    return node;
  }
}
