/** Has the processes of one run placed and started, and knows which node has which of them. */

import { SpawnError } from "../core/errors.ts";
import type { ExitStatus } from "../core/exit_status.ts";
import type { Pid } from "../core/pid.ts";
import type { MasterPort, NodePort, SpawnRequest, SpawnWaiting } from "../core/roles.ts";
import { KILL, type Kill, type Termination } from "../core/signals.ts";
import { ProcessTree } from "./process_tree.ts";

/** Room for one process, on a node. */
export interface Place {
  readonly node: NodePort;
  /** Gives the room back. More than once is as good as once. */
  free(): void;
}

/** Finds room for processes. */
export interface Placer {
  /**
   * @throws {SpawnError} `no-capacity` (only without `wait`), `unsatisfiable`, or `lost` if `signal` is
   * aborted.
   */
  place(request: SpawnRequest, options: SpawnWaiting): Promise<Place>;
}

/** The master of one run. In a local run, there is no other. */
export class Master implements MasterPort {
  readonly #placer: Placer;
  /** Never forgotten: a process can be waited for at any time after its end. */
  readonly #nodes = new Map<Pid, NodePort>();
  readonly #tree = new ProcessTree();
  /** For each launch that is under way, whose child it makes. */
  readonly #launches = new Map<Promise<unknown>, Pid | null>();
  /** These, and what descends from them, are being ended, and spawn no more. */
  readonly #ending = new Set<Pid>();
  /** Resolved, and replaced, each time that a launch has succeeded or failed. */
  #settled = Promise.withResolvers<void>();
  /** Spawns that wait or are under way, and processes that have not ended. */
  #active = 0;
  #idle = Promise.withResolvers<void>();

  constructor(placer: Placer) {
    this.#placer = placer;
  }

  /** How many processes there have been. */
  get processes(): number {
    return this.#nodes.size;
  }

  /** Resolves as soon as no process runs, and none is being placed or started. */
  idle(): Promise<void> {
    return this.#active === 0 ? Promise.resolve() : this.#idle.promise;
  }

  async spawn(request: SpawnRequest, options: SpawnWaiting): Promise<Pid> {
    this.#active++;
    let place: Place | undefined;
    try {
      place = await this.#placer.place(request, options);
      const pid = await this.#launch(place.node, request);
      void this.#awaitEnd(pid, place);
      return pid;
    } catch (error) {
      place?.free();
      this.#deactivate();
      throw error;
    }
  }

  async wait(pid: Pid): Promise<ExitStatus> {
    return (await this.#find("wait for", pid)).wait(pid);
  }

  async kill(pid: Pid, how: Kill = KILL): Promise<void> {
    const node = await this.#find("kill", pid);
    if (how.descendants) await this.#killTree(pid, how);
    else await node.kill(pid, how);
  }

  /** Ends a process and all that descend from it, also those that are being started now. */
  async #killTree(root: Pid, how: Termination): Promise<void> {
    const roots = new Set([root]);
    const ends = new Map<Pid, Promise<void>>();
    this.#ending.add(root);
    for (;;) {
      for (const pid of this.#tree.from(root)) {
        if (ends.has(pid)) continue;
        const end = this.#nodes.get(pid)!.kill(pid, how);
        end.catch(() => {}); // looked at below
        ends.set(pid, end);
      }
      const parents = [...this.#launches.values()];
      if (!parents.some((parent) => this.#tree.descends(parent, roots))) break;
      await this.#settled.promise;
    }
    await Promise.all(ends.values()).finally(() => this.#ending.delete(root));
  }

  async #launch(node: NodePort, request: SpawnRequest): Promise<Pid> {
    const { parent, cwd } = request;
    // A parent's directory means nothing on another node: there it is the run's own.
    const isElsewhere = parent !== null && cwd !== null &&
      await this.#find("start a child of", parent) !== node;
    if (this.#ending.size > 0 && parent !== null) await this.#find("start a child of", parent);
    // Nothing is waited for between this and the launch, so that no end of the parent comes in between.
    if (this.#tree.descends(parent, this.#ending)) {
      const why = "the process that spawns it is being ended";
      throw new SpawnError("lost", `Cannot start ${request.function}(): ${why}`);
    }
    const launch = node.launch(isElsewhere ? { ...request, cwd: null } : request);
    this.#launches.set(launch, parent);
    try {
      const pid = await launch;
      this.#nodes.set(pid, node);
      this.#tree.add(pid, parent);
      return pid;
    } finally {
      this.#launches.delete(launch);
      this.#settled.resolve();
      this.#settled = Promise.withResolvers();
    }
  }

  async #awaitEnd(pid: Pid, place: Place): Promise<void> {
    await place.node.wait(pid);
    place.free();
    this.#deactivate();
  }

  #deactivate(): void {
    if (--this.#active > 0) return;
    this.#idle.resolve();
    this.#idle = Promise.withResolvers();
  }

  /** Gives the node that has the process. */
  async #find(what: string, pid: Pid): Promise<NodePort> {
    // A process that has just started can have told its Pid to another one before its node told it to
    // the master, so those launches that are under way now may turn out to be the process.
    const underWay = [...this.#launches.keys()];
    while (!this.#nodes.has(pid) && underWay.some((launch) => this.#launches.has(launch))) {
      await this.#settled.promise;
    }
    const node = this.#nodes.get(pid);
    if (node === undefined) {
      throw new Error(`Cannot ${what} ${pid}: this program has no such process`);
    }
    return node;
  }
}
