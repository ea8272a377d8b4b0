/** Places and starts the processes of one run, and knows which node hosts each. */

import { SpawnError } from "../core/errors.ts";
import type { EndStatus } from "../core/exit_status.ts";
import type { Pid } from "../core/pid.ts";
import { NodeFaultError } from "../core/node_fault.ts";
import { EndedProcesses } from "../core/ended_processes.ts";
import {
  type Launched,
  type MasterPort,
  type NodePort,
  requestedProcess,
  type SpawnRequest,
  type SpawnWaiting,
} from "../core/roles.ts";
import { KILL, type Kill, type Termination } from "../core/signals.ts";
import { ProcessTree } from "./process_tree.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Room for one process, on a node. */
export interface Place<Arg = Bytes> {
  readonly node: NodePort<Arg>;
  /** Releases the room. Idempotent. */
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
  readonly ended: Promise<EndStatus>;
}

/**
 * The master of one run; a local run has no other master. It passes arguments on unchanged: `Arg` may
 * be anything.
 *
 * It alone keeps the statuses of ended processes: nodes forget theirs.
 */
export class Master<Arg = Bytes> implements MasterPort<Arg> {
  readonly #placer: Placer<Arg>;
  readonly #running = new Map<Pid, Running<Arg>>();
  /** For `wait`, which may come at any time after a process's end. */
  readonly #ended = new EndedProcesses();
  #processes = 0;
  readonly #tree = new ProcessTree();
  /** The parent of each launch in progress. */
  readonly #launches = new Map<Promise<unknown>, Pid | null>();
  /** Processes that are being ended with their descendants; none of these may spawn. */
  readonly #ending = new Set<Pid>();
  /** Resolved and replaced each time a launch succeeds or fails. */
  #settled = Promise.withResolvers<void>();
  /** Spawns in progress and processes that have not ended. */
  #active = 0;
  #idle = Promise.withResolvers<void>();

  constructor(placer: Placer<Arg>) {
    this.#placer = placer;
  }

  /** The number of processes started so far. */
  get processes(): number {
    return this.#processes;
  }

  /** Resolves when no process is running, being placed or being started. */
  idle(): Promise<void> {
    return this.#active === 0 ? Promise.resolve() : this.#idle.promise;
  }

  async spawn(request: SpawnRequest<Arg>, options: SpawnWaiting): Promise<Pid> {
    this.#active++;
    try {
      const home = await this.#home(request);
      const { launched, place } = await this.#start(request, options, home);
      void this.#awaitEnd(launched, place);
      return launched.pid;
    } catch (error) {
      this.#deactivate();
      throw error;
    }
  }

  /**
   * Places and launches a process: elsewhere if a node lacks something for it, until there is no other one. A node
   * is tried again only after a wait, when it may have what it lacked.
   */
  async #start(
    request: SpawnRequest<Arg>,
    options: SpawnWaiting,
    home: NodePort<Arg> | undefined,
  ): Promise<{ launched: Launched; place: Place<Arg> }> {
    const tried = new Set<NodePort<Arg>>();
    let fault: NodeFaultError | undefined;
    const onWait: SpawnWaiting["onWait"] = (why) => {
      tried.clear();
      options.onWait?.(why);
    };
    for (;;) {
      const place = await this.#placer.place(request, { ...options, onWait }).catch((error) => {
        // There is no room elsewhere, and it is not to wait.
        throw isNoCapacity(error) ? fault ?? error : error;
      });
      const { node } = place;
      try {
        if (fault !== undefined && tried.has(node)) throw fault;
        // The parent's directory may not exist on another node: there the run's own folder is used.
        const launched = await this.#launch(
          node,
          node === home ? request : { ...request, cwd: null },
        );
        return { launched, place };
      } catch (error) {
        place.free();
        if (!(error instanceof NodeFaultError) || error === fault) throw error;
        fault = error;
        tried.add(node);
      }
    }
  }

  async wait(pid: Pid): Promise<EndStatus> {
    const process = await this.#find("wait for", pid);
    return "node" in process ? await process.ended : process;
  }

  async kill(pid: Pid, how: Kill = KILL): Promise<Pid[]> {
    const process = await this.#find("kill", pid);
    if (how.descendants) return await this.#killTree(pid, how);
    return "node" in process && await process.node.kill(pid, how) ? [pid] : [];
  }

  async runs(pid: Pid): Promise<boolean> {
    const process = await this.#find("ask about", pid);
    return "node" in process && await process.node.runs(pid);
  }

  /** The node that the working directory is on, if the request names one. */
  async #home({ parent, cwd }: SpawnRequest<Arg>): Promise<NodePort<Arg> | undefined> {
    if (parent === null || cwd === null) return undefined;
    const process = await this.#find("start a child of", parent);
    return "node" in process ? process.node : undefined;
  }

  /** Ends a process and all its descendants, including those that are being started now. */
  async #killTree(root: Pid, how: Termination): Promise<Pid[]> {
    const roots = new Set([root]);
    const ends = new Map<Pid, Promise<boolean>>();
    this.#ending.add(root);
    for (;;) {
      for (const pid of this.#tree.from(root)) {
        if (ends.has(pid)) continue;
        const end = this.#running.get(pid)?.node.kill(pid, how) ?? Promise.resolve(false);
        end.catch(() => {}); // checked below
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
    // No await between this and the launch, so that the parent cannot be ended in between.
    if (this.#tree.descends(parent, this.#ending)) {
      const why = "its parent is being killed";
      throw new SpawnError("lost", `Cannot start ${requestedProcess(request)}: ${why}`);
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

  /** The record of a process: where it runs, or how it ended. */
  async #find(what: string, pid: Pid): Promise<Running<Arg> | EndStatus> {
    // A new process may have sent its Pid to another one before its node reported it to the master, so
    // each launch in progress may turn out to be the process.
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

function isNoCapacity(error: unknown): boolean {
  return error instanceof SpawnError && error.reason === "no-capacity";
}
