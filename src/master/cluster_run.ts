/** One run of a cluster, as its master sees it. */

import { SpawnError } from "../core/errors.ts";
import type { EndStatus } from "../core/exit_status.ts";
import { inSlices } from "../core/in_slices.ts";
import { type Pid, shortPid } from "../core/pid.ts";
import type { Resources } from "../core/resources.ts";
import type { CarriedArg, MasterPort, SpawnRequest, SpawnWaiting } from "../core/roles.ts";
import { NodeFaultError } from "../core/node_fault.ts";
import { KILL, type Kill, type Termination } from "../core/signals.ts";
import type { StartTimer } from "../core/timer.ts";
import { WaitNotice } from "../core/wait_notice.ts";
import type { RoomWait, WaitingSpawn } from "../core/waits.ts";
import { Master, type Place } from "./master.ts";
import type { RemoteNode, RemoteRun, RunFacts, Tried } from "./remote_node.ts";
import type { GrantedRoom, Room } from "./room.ts";

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

/** After how many nodes that were lost during it a trial boot is given up: it may be why. */
const MAX_LOST_TRIES = 3;

/** How many waiting spawns of one process, and of a run, are told: explaining one looks at every node. */
const MAX_WAITING_EACH = 4;
const MAX_WAITING_SPAWNS = 256;

/** Room on a node for a process of the run. */
interface NodePlace extends Place<CarriedArg> {
  readonly name: string;
  readonly remote: RemoteNode;
  readonly node: RemoteRun;
}

/** That of a trial boot, and its size. */
interface KeptPlace extends NodePlace {
  readonly resources: Readonly<Resources>;
}

/** Tells why a spawn waits now. */
type WhyWaits = () => RoomWait | undefined;

/** A run, from its `open` until its last process has ended. */
export class ClusterRun implements MasterPort<CarriedArg> {
  readonly facts: RunFacts;
  readonly #context: ClusterContext;
  readonly #master: Master<CarriedArg>;
  readonly #ending = new AbortController();
  /** What cancels each spawn that waits. */
  readonly #spawns = new Set<() => void>();

  /** The room of the trial boot, until the first process is asked for. */
  #kept: KeptPlace | undefined;
  readonly #waits: WaitNotice;
  /** The spawns that wait for room, in the order in which they came. */
  readonly #waiting = new Set<{ request: SpawnRequest<CarriedArg>; why: WhyWaits }>();

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
   * Boots the first process on trial, with room of that size: waits for it, as the first process would. If no node
   * is that large, it is booted anywhere, without room. If a node lacks something for it, or is lost, it is tried
   * elsewhere. The room is kept for the first process, if that asks for the same.
   *
   * @throws {SpawnError} If the trial boot could not be done.
   */
  async try(resources: Readonly<Resources>, onWait: () => void): Promise<Tried> {
    const { nodes } = this.#context;
    const tried = new Set<RemoteRun>();
    let fault: NodeFaultError | undefined;
    let lost = 0;
    for (;;) {
      const place = await this.#placeTrial(resources, () => {
        // What a node lacked it may have by now.
        tried.clear();
        onWait();
      });
      const { node } = place;
      try {
        if (fault !== undefined && tried.has(node)) throw fault;
        tried.add(node);
        const answer = await node.try();
        if (this.#ending.signal.aborted) throw this.#noTrial();
        if (answer.type === "needs") this.#keep({ ...place, resources });
        else place.free();
        return answer;
      } catch (error) {
        place.free();
        if (error === fault) throw error;
        if (error instanceof NodeFaultError) fault = error;
        else if (this.#ending.signal.aborted || nodes.get(place.name) === place.remote) throw error;
        else if (++lost === MAX_LOST_TRIES) throw error;
      }
    }
  }

  /** Room for a trial boot of that size. */
  async #placeTrial(resources: Readonly<Resources>, onWait: () => void): Promise<NodePlace> {
    const { room } = this.#context;
    const options = { wait: true, signal: this.#ending.signal };
    for (;;) {
      if (this.#ending.signal.aborted) throw this.#noTrial();
      const request = { ...FIRST, name: "the first process" };
      if (room.find(resources).possible) {
        return await this.#place({ ...request, resources }, { ...options, onWait });
      }
      let hasWaited = false;
      const place = await this.#place({ ...request, resources: NOTHING }, {
        ...options,
        onWait: () => {
          hasWaited = true;
          onWait();
        },
      });
      if (!hasWaited) return place;
      // The node that has come may be large enough.
      place.free();
    }
  }

  #noTrial(): SpawnError {
    return new SpawnError("lost", "Cannot do the trial boot: the run is ending");
  }

  async spawn(
    request: SpawnRequest<CarriedArg>,
    { signal, ...waiting }: SpawnWaiting,
  ): Promise<Pid> {
    if (this.#ending.signal.aborted) {
      throw new SpawnError("lost", "Cannot spawn: the run is ending");
    }
    const cancelling = new AbortController();
    const cancel = (): void => cancelling.abort();
    signal?.addEventListener("abort", cancel);
    if (signal?.aborted === true) cancel();
    this.#spawns.add(cancel);
    try {
      return await this.#master.spawn(request, { ...waiting, signal: cancelling.signal });
    } finally {
      this.#spawns.delete(cancel);
      signal?.removeEventListener("abort", cancel);
    }
  }

  wait(pid: Pid): Promise<EndStatus> {
    return this.#master.wait(pid);
  }

  kill(pid: Pid, how: Kill = KILL): Promise<Pid[]> {
    return this.#master.kill(pid, how);
  }

  runs(pid: Pid): Promise<boolean> {
    return this.#master.runs(pid);
  }

  /**
   * Cancels waiting spawns, and ends running processes as `how` says; `idle()` resolves when that is done.
   * A second call can only shorten the grace.
   */
  end(how: Termination): void {
    this.#ending.abort();
    // There may be very many, and other runs have to go on.
    inSlices(this.#spawns, (cancel) => cancel());
    this.#kept?.free();
    this.#kept = undefined;
    for (const node of this.#context.nodes.values()) node.stop(this.facts.id, how);
  }

  /** Its bridge is gone: its nodes need not try to reach it. The run still has to be ended. */
  bridgeGone(): void {
    for (const node of this.#context.nodes.values()) node.bridgeGone(this.facts.id);
  }

  /** Removes the run from its nodes. To be called when it has ended. */
  forget(): void {
    for (const node of this.#context.nodes.values()) node.forget(this.facts.id);
  }

  /** Its spawns that wait for room, the oldest first: of one process some, and of all not too many. */
  waiting(): WaitingSpawn[] {
    const told: WaitingSpawn[] = [];
    const counts = new Map<Pid | null, number>();
    for (const { request: { parent, name, resources }, why } of this.#waiting) {
      const count = counts.get(parent) ?? 0;
      const wait = count < MAX_WAITING_EACH ? why() : undefined;
      if (wait === undefined) continue;
      counts.set(parent, count + 1);
      const { before, closest = null } = wait;
      told.push({ parent, name, resources, before, closest });
      if (told.length === MAX_WAITING_SPAWNS) break;
    }
    return told;
  }

  async #place(
    request: SpawnRequest<CarriedArg>,
    options: SpawnWaiting,
  ): Promise<NodePlace> {
    const kept = request.parent === null ? this.#takeKept(request) : undefined;
    if (kept !== undefined) return kept;
    for (;;) {
      const { node: name, free } = await this.#take(request, options);
      const remote = name === undefined ? undefined : this.#context.nodes.get(name);
      if (this.#ending.signal.aborted) {
        free();
        throw new SpawnError("lost", "Cannot spawn: the run is ending");
      }
      if (name !== undefined && remote !== undefined) {
        return { name, remote, node: remote.run(this.facts, this.#ending.signal), free };
      }
      // The node was lost just now, and its grants were released with it.
      free();
    }
  }

  #keep(place: KeptPlace): void {
    this.#kept?.free();
    this.#kept = place;
  }

  /** The room of the trial boot, for a first process of the same size; otherwise it is given back. */
  #takeKept({ resources }: SpawnRequest<CarriedArg>): NodePlace | undefined {
    const kept = this.#kept;
    if (kept === undefined) return undefined;
    this.#kept = undefined;
    const { mem, cpu } = kept.resources;
    const isSame = mem === resources.mem && cpu === resources.cpu;
    if (isSame && this.#context.nodes.get(kept.name) === kept.remote) return kept;
    kept.free();
    return undefined;
  }

  async #take(request: SpawnRequest<CarriedArg>, options: SpawnWaiting): Promise<GrantedRoom> {
    const { parent, name, resources } = request;
    const { room } = this.#context;
    let stop = () => {};
    const onWait = (why: WhyWaits) => {
      options.onWait?.(why);
      const waiting = { request, why };
      this.#waiting.add(waiting);
      // For the first process, the viewers are told at once that it waits.
      const stopNotice = parent === null
        ? undefined
        : this.#waits.begin(() =>
          `${shortPid(parent)} has waited for 10 s to spawn ${name}: ${room.whyWaits(resources)}`
        );
      stop = () => {
        this.#waiting.delete(waiting);
        stopNotice?.();
      };
    };
    try {
      return await room.take(request, { ...options, onWait });
    } finally {
      stop();
    }
  }
}
