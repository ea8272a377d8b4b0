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

/** What a run needs of its cluster. */
export interface ClusterContext {
  readonly room: Room;
  /** The nodes that are there, by name. */
  readonly nodes: ReadonlyMap<string, RemoteNode>;
  readonly startTimer: StartTimer;
}

/** The first process of a run, as it is asked for, but for its name and what it needs. */
export const FIRST: Omit<SpawnRequest, "name" | "resources"> = {
  parent: null,
  function: null,
  arg: new Uint8Array(),
  cwd: null,
  env: null,
};

/** Every node has room for that. */
const NOTHING: Readonly<Resources> = { mem: 0, cpu: 0 };

/** A run, from its `open` until no process of it is left. */
export class ClusterRun implements MasterPort<CarriedArg> {
  readonly facts: RunFacts;
  readonly #context: ClusterContext;
  readonly #master: Master<CarriedArg>;
  readonly #ending = new AbortController();

  readonly #waits: WaitNotice;

  /** `say` takes lines for whoever looks at the run. */
  constructor(facts: RunFacts, context: ClusterContext, say: (text: string) => void) {
    this.facts = facts;
    this.#context = context;
    this.#waits = new WaitNotice(context.startTimer, say);
    this.#master = new Master({ place: (request, options) => this.#place(request, options) });
  }

  /** How many processes there have been. */
  get processes(): number {
    return this.#master.processes;
  }

  /** Resolves as soon as no process is left, and none waits for room or is being started. */
  idle(): Promise<void> {
    return this.#master.idle();
  }

  /**
   * Has the first process booted where one of that size would be placed now, or else anywhere. It takes no
   * room there until it is spawned. If there is no node at all, it waits for one.
   *
   * @throws {SpawnError} If it could not be tried.
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
   * Ends what waits, and as `how` says what runs; `idle()` tells when that is done. Called again, it can
   * only shorten the grace.
   */
  end(how: Termination): void {
    this.#ending.abort();
    for (const node of this.#context.nodes.values()) node.stop(this.facts.id, how);
  }

  /** Nothing more happens in it, and nobody asks for it any more. */
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
      // It went away just now, and what it had been given is gone with it.
      free();
    }
  }

  async #take(request: SpawnRequest<CarriedArg>, options: SpawnWaiting): Promise<GrantedRoom> {
    const { parent, name, resources } = request;
    const { room } = this.#context;
    // Whoever deployed the run is told at once that its first process waits.
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
