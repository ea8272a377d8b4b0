/** One run of a cluster, as its master sees it. */

import { SpawnError } from "../core/errors.ts";
import type { ExitStatus } from "../core/exit_status.ts";
import { type Pid, shortPid } from "../core/pid.ts";
import type { Resources } from "../core/resources.ts";
import type { CarriedArg, MasterPort, SpawnRequest, SpawnWaiting } from "../core/roles.ts";
import { KILL, type Kill, type Termination } from "../core/signals.ts";
import type { StartTimer } from "../core/timer.ts";
import { Master, type Place } from "./master.ts";
import type { RemoteNode, RemoteRun, RunFacts, Tried } from "./remote_node.ts";
import type { GrantedRoom, Room } from "./room.ts";
import { WaitNotice } from "./wait_notice.ts";

/** The parts of the cluster that a run uses. */
export interface ClusterContext {
  readonly room: Room;
  /** The connected nodes, by name. */
  readonly nodes: ReadonlyMap<string, RemoteNode>;
  readonly startTimer: StartTimer;
}

/** The spawn request for a run's first process, without its name and resources. */
export const FIRST: Omit<SpawnRequest, "name" | "resources"> = {
  parent: null,
  function: null,
  arg: new Uint8Array(),
  cwd: null,
  env: null,
};

/** A need that fits on every node. */
const NOTHING: Readonly<Resources> = { mem: 0, cpu: 0 };

/** A run, from its `open` until its last process has ended. */
export class ClusterRun implements MasterPort<CarriedArg> {
  readonly facts: RunFacts;
  readonly #context: ClusterContext;
  readonly #master: Master<CarriedArg>;
  readonly #ending = new AbortController();

  readonly #waits: WaitNotice;

  /** `say` takes lines for the run's viewers. */
  constructor(facts: RunFacts, context: ClusterContext, say: (text: string) => void) {
    this.facts = facts;
    this.#context = context;
    this.#waits = new WaitNotice(context.startTimer, say);
    this.#master = new Master({ place: (request, options) => this.#place(request, options) });
  }

  /** The number of processes started so far. */
  get processes(): number {
    return this.#master.processes;
  }

  /** Resolves when no process is running, starting or waiting for room. */
  idle(): Promise<void> {
    return this.#master.idle();
  }

  /**
   * Boots the first process on trial where one of that size would be placed now, or else anywhere. It takes
   * no room until it is spawned. If the cluster has no node, waits for one.
   *
   * @throws {SpawnError} If the trial boot could not be done.
   */
  async try(resources: Readonly<Resources>, onWait: () => void): Promise<Tried> {
    const { room, nodes } = this.#context;
    if (this.#ending.signal.aborted) {
      throw new SpawnError("lost", "Cannot do the trial boot: the run is ending");
    }
    const { node: name } = room.find(resources);
    const found = (name === null ? undefined : nodes.get(name)) ?? nodes.values().next().value;
    if (found !== undefined) return await found.run(this.facts).try();
    const request = { ...FIRST, name: "", resources: NOTHING };
    const place = await this.#place(request, { wait: true, signal: this.#ending.signal, onWait });
    place.free();
    return await place.node.try();
  }

  async spawn(
    request: SpawnRequest<CarriedArg>,
    { signal, ...waiting }: SpawnWaiting,
  ): Promise<Pid> {
    const ending = this.#ending.signal;
    if (ending.aborted) throw new SpawnError("lost", "Cannot spawn: the run is ending");
    const ends = signal === undefined ? ending : AbortSignal.any([signal, ending]);
    return await this.#master.spawn(request, { ...waiting, signal: ends });
  }

  wait(pid: Pid): Promise<ExitStatus> {
    return this.#master.wait(pid);
  }

  kill(pid: Pid, how: Kill = KILL): Promise<Pid[]> {
    return this.#master.kill(pid, how);
  }

  /**
   * Cancels waiting spawns, and ends running processes as `how` says; `idle()` resolves when that is done.
   * A second call can only shorten the grace.
   */
  end(how: Termination): void {
    this.#ending.abort();
    for (const node of this.#context.nodes.values()) node.stop(this.facts.id, how);
  }

  /** Removes the run from its nodes. To be called when it has ended. */
  forget(): void {
    for (const node of this.#context.nodes.values()) node.forget(this.facts.id);
  }

  async #place(
    request: SpawnRequest<CarriedArg>,
    options: SpawnWaiting,
  ): Promise<Place<CarriedArg> & { readonly node: RemoteRun }> {
    for (;;) {
      const { node: name, free } = await this.#take(request, options);
      const node = name === undefined ? undefined : this.#context.nodes.get(name);
      if (this.#ending.signal.aborted) {
        free();
        throw new SpawnError("lost", "Cannot spawn: the run is ending");
      }
      if (node !== undefined) return { node: node.run(this.facts), free };
      // The node was lost just now, and its grants were released with it.
      free();
    }
  }

  async #take(request: SpawnRequest<CarriedArg>, options: SpawnWaiting): Promise<GrantedRoom> {
    const { parent, name, resources } = request;
    const { room } = this.#context;
    // For the first process, the viewers are told at once that it waits.
    if (parent === null) return await room.take(request, options);
    let stopNotice = () => {};
    const onWait = () => {
      options.onWait?.();
      stopNotice = this.#waits.begin(() =>
        `${shortPid(parent)} has waited for 10 s to spawn ${name}: ${room.whyWaits(resources)}`
      );
    };
    try {
      return await room.take(request, { ...options, onWait });
    } finally {
      stopNotice();
    }
  }
}
