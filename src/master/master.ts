/** Has the processes of one run placed and started, and knows which node has which of them. */

import { SpawnError } from "../core/errors.ts";
import type { ExitStatus } from "../core/exit_status.ts";
import type { Pid } from "../core/pid.ts";
import { EndedProcesses } from "../core/ended_processes.ts";
import type { Launched, MasterPort, NodePort, SpawnRequest, SpawnWaiting } from "../core/roles.ts";
import { KILL, type Kill, type Termination } from "../core/signals.ts";
import { ProcessTree } from "./process_tree.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Room for one process, on a node. */
export interface Place<Arg = Bytes> {
  readonly node: NodePort<Arg>;
  /** Gives the room back. More than once is as good as once. */
  free(): void;
}

/** Finds room for processes. */
export interface Placer<Arg = Bytes> {
  /**
   * @throws {SpawnError} `no-capacity` (only without `wait`), `unsatisfiable`, or `lost` if `signal` is
   * aborted.
   */
  place(request: SpawnRequest<Arg>, options: SpawnWaiting): Promise<Place<Arg>>;
}

/** A process that has not ended. */
interface Running<Arg> {
  readonly node: NodePort<Arg>;
  readonly ended: Promise<ExitStatus>;
}

/**
 * The master of one run. In a local run, there is no other. It passes arguments on as they are: `Arg` may
 * be anything.
 *
 * It is the only one that remembers the processes that have ended, and how: a node forgets its own.
 */
export class Master<Arg = Bytes> implements MasterPort<Arg> {
  readonly #placer: Placer<Arg>;
  readonly #running = new Map<Pid, Running<Arg>>();
  /** A process can be waited for at any time after its end. */
  readonly #ended = new EndedProcesses();
  #processes = 0;
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

  constructor(placer: Placer<Arg>) {
    this.#placer = placer;
  }

  /** How many processes there have been. */
  get processes(): number {
    return this.#processes;
  }

  /** Resolves as soon as no process runs, and none is being placed or started. */
  idle(): Promise<void> {
    return this.#active === 0 ? Promise.resolve() : this.#idle.promise;
  }

  async spawn(request: SpawnRequest<Arg>, options: SpawnWaiting): Promise<Pid> {
    this.#active++;
    let place: Place<Arg> | undefined;
    try {
      const home = await this.#home(request);
      place = await this.#placer.place(request, options);
      // A directory means nothing on another node: there it is the run's own.
      const isElsewhere = place.node !== home;
      const launched = await this.#launch(
        place.node,
        isElsewhere ? { ...request, cwd: null } : request,
      );
      void this.#awaitEnd(launched, place);
      return launched.pid;
    } catch (error) {
      place?.free();
      this.#deactivate();
      throw error;
    }
  }

  async wait(pid: Pid): Promise<ExitStatus> {
    const process = await this.#find("wait for", pid);
    return "node" in process ? await process.ended : process;
  }

  async kill(pid: Pid, how: Kill = KILL): Promise<Pid[]> {
    const process = await this.#find("kill", pid);
    if (how.descendants) return await this.#killTree(pid, how);
    return "node" in process && await process.node.kill(pid, how) ? [pid] : [];
  }

  /** The node whose directories the process's is one of, if it is to have one. */
  async #home({ parent, cwd }: SpawnRequest<Arg>): Promise<NodePort<Arg> | undefined> {
    if (parent === null || cwd === null) return undefined;
    const process = await this.#find("start a child of", parent);
    return "node" in process ? process.node : undefined;
  }

  /** Ends a process and all that descend from it, also those that are being started now. */
  async #killTree(root: Pid, how: Termination): Promise<Pid[]> {
    const roots = new Set([root]);
    const ends = new Map<Pid, Promise<boolean>>();
    this.#ending.add(root);
    for (;;) {
      for (const pid of this.#tree.from(root)) {
        if (ends.has(pid)) continue;
        const end = this.#running.get(pid)?.node.kill(pid, how) ?? Promise.resolve(false);
        end.catch(() => {}); // looked at below
        ends.set(pid, end);
      }
      const parents = [...this.#launches.values()];
      if (!parents.some((parent) => this.#tree.descends(parent, roots))) break;
      await this.#settled.promise;
    }
    const were = await Promise.all(ends.values()).finally(() => this.#ending.delete(root));
    return [...ends.keys()].filter((_, at) => were[at]);
  }

  async #launch(node: NodePort<Arg>, request: SpawnRequest<Arg>): Promise<Launched> {
    const { parent } = request;
    if (this.#ending.size > 0 && parent !== null) await this.#find("start a child of", parent);
    // Nothing is waited for between this and the launch, so that no end of the parent comes in between.
    if (this.#tree.descends(parent, this.#ending)) {
      const why = "its parent is being killed";
      throw new SpawnError("lost", `Cannot start ${request.function}(): ${why}`);
    }
    const launch = node.launch(request);
    this.#launches.set(launch, parent);
    try {
      const launched = await launch;
      const { pid, ended } = launched;
      this.#running.set(pid, { node, ended });
      this.#processes++;
      const isForgotten = parent !== null && !this.#tree.has(parent) && this.#ended.has(parent);
      this.#tree.add(pid, isForgotten ? null : parent);
      return launched;
    } finally {
      this.#launches.delete(launch);
      this.#settled.resolve();
      this.#settled = Promise.withResolvers();
    }
  }

  async #awaitEnd({ pid, ended }: Launched, place: Place<Arg>): Promise<void> {
    const status = await ended;
    this.#running.delete(pid);
    this.#ended.add(pid, status);
    this.#tree.end(pid);
    place.free();
    this.#deactivate();
  }

  #deactivate(): void {
    if (--this.#active > 0) return;
    this.#idle.resolve();
    this.#idle = Promise.withResolvers();
  }

  /** What is known of a process: where it runs, or how it ended. */
  async #find(what: string, pid: Pid): Promise<Running<Arg> | ExitStatus> {
    // A process that has just started can have told its Pid to another one before its node told it to
    // the master, so those launches that are under way now may turn out to be the process.
    const underWay = [...this.#launches.keys()];
    while (!this.#knows(pid) && underWay.some((launch) => this.#launches.has(launch))) {
      await this.#settled.promise;
    }
    const found = this.#running.get(pid) ?? this.#ended.get(pid);
    if (found === undefined) {
      throw new Error(`Cannot ${what} ${pid}: this program has no such process`);
    }
    return found;
  }

  #knows(pid: Pid): boolean {
    return this.#running.has(pid) || this.#ended.has(pid);
  }
}
