/** The processes of a pool: how many there are, and when they start and end. */

import { SpawnError } from "../../mod.ts";
import type { Settings } from "./options.ts";
import { PoolProcess, type ProcessEvents } from "./pool_process.ts";
import { backOffMs, growth } from "./schedule.ts";

/** How long a pool does not grow after there was no room for a process. */
const NO_ROOM_MS = 1_000;

/** What a fleet tells its pool, besides what its processes do. */
export interface FleetEvents extends ProcessEvents {
  /** There is one more process, or may be room for one. */
  onRoom(): void;
  /** A process could not be started, and there are no others. */
  onNone(error: unknown): void;
}

/** The processes of a pool. */
export class Fleet {
  /** Those that can be given calls. */
  readonly processes: PoolProcess[] = [];
  readonly #settings: Settings;
  readonly #events: FleetEvents;
  readonly #giveUp = new AbortController();
  readonly #starting = new Set<Promise<void>>();
  readonly #ending = new Set<Promise<void>>();
  /** Processes that ended under a call since a call last had a result. */
  #deaths = 0;
  /** While it is set, no process is started. */
  #pause: ReturnType<typeof setTimeout> | undefined;
  #shrinking: ReturnType<typeof setTimeout> | undefined;

  constructor(settings: Settings, events: FleetEvents) {
    this.#settings = settings;
    this.#events = events;
  }

  /** Starts the least number of processes. @throws {SpawnError} If one cannot be started. */
  async start(): Promise<void> {
    const starts = Array.from({ length: this.#settings.min }, () => this.#add());
    const failed = (await Promise.allSettled(starts)).find(({ status }) => status === "rejected");
    if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
  }

  /** Resolves when those that are being started have started, or have failed to. */
  async started(): Promise<void> {
    await Promise.allSettled(this.#starting);
  }

  /** A call had a result. */
  succeeded(): void {
    this.#deaths = 0;
  }

  /** A process has ended; `underCall` if it had calls. */
  remove(process: PoolProcess, underCall: boolean): void {
    const index = this.processes.indexOf(process);
    if (index >= 0) this.processes.splice(index, 1);
    if (underCall) this.#deaths++;
  }

  /** Starts processes that are needed while so many calls wait, and sees that idle ones end. */
  adapt(waiting: number): void {
    const { min, max } = this.#settings;
    const there = this.processes.length + this.#starting.size;
    if (there < max && this.#pause === undefined && !this.#giveUp.signal.aborted) {
      const [processes, starting] = [this.processes.length, this.#starting.size];
      const count = growth({ waiting, processes, starting, min, max });
      const pauseMs = count > 0 ? backOffMs(this.#deaths) : 0;
      if (pauseMs === 0) { for (let n = 0; n < count; n++) this.#addOrTell(); }
      else this.#pauseThen(pauseMs, () => this.#addOrTell());
    }
    if (this.processes.length > min && this.#shrinking === undefined) this.#shrinkLater();
  }

  /** No more processes are started. Resolves when none is being started. */
  async stopStarting(): Promise<void> {
    clearTimeout(this.#pause);
    clearTimeout(this.#shrinking);
    this.#giveUp.abort(new Error("the pool was closed"));
    await this.started();
  }

  /** Ends the processes, in order. */
  async end(): Promise<void> {
    for (const process of this.processes.splice(0)) this.#end(process);
    await Promise.all(this.#ending);
  }

  #pauseThen(ms: number, then: () => void): ReturnType<typeof setTimeout> {
    return this.#pause = setTimeout(() => {
      this.#pause = undefined;
      then();
    }, ms);
  }

  /** Starts one more process; if there is none in the end, the pool is told. */
  #addOrTell(): void {
    // One that the pool can do without does not wait for room: it would hold up others that need it.
    const there = this.processes.length + this.#starting.size;
    this.#add(there >= Math.max(this.#settings.min, 1)).catch((error) => {
      if (this.processes.length + this.#starting.size === 0) return this.#events.onNone(error);
      // The others serve what waits.
      if (!(error instanceof SpawnError) || error.reason !== "no-capacity") return;
      if (this.#pause !== undefined || this.#giveUp.signal.aborted) return;
      // Whatever then needs a process asks for it; this alone keeps no program alive.
      Deno.unrefTimer(this.#pauseThen(NO_ROOM_MS, () => this.#events.onRoom()));
    });
  }

  /** Starts one more process; if it is `optional`, only if there is room for it now. */
  #add(optional = false): Promise<void> {
    const { concurrency, resources } = this.#settings;
    const { signal } = this.#giveUp;
    const options = { concurrency, resources, signal, optional };
    const starting = PoolProcess.start(options, this.#events).then((process) => {
      this.processes.push(process);
    }).finally(() => this.#starting.delete(starting));
    this.#starting.add(starting);
    return starting.then(() => this.#events.onRoom());
  }

  /** Ends processes above the minimum once they have been idle for so long. */
  #shrinkLater(): void {
    const { min, idleMs } = this.#settings;
    const timer = setTimeout(() => {
      this.#shrinking = undefined;
      const now = performance.now();
      for (const process of [...this.processes]) {
        if (this.processes.length <= min) return;
        // A timer may fire a part of a millisecond early.
        if (process.load > 0 || now - process.idleSince < idleMs - 1) continue;
        this.processes.splice(this.processes.indexOf(process), 1);
        this.#end(process);
      }
      if (this.processes.length > min) this.#shrinkLater();
    }, Math.max(idleMs, 1));
    Deno.unrefTimer(timer);
    this.#shrinking = timer;
  }

  #end(process: PoolProcess): void {
    const ending = process.end().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}
