/** Processes of a run that have booted, and wait to be spawned. */

import type { Logger } from "../core/logger.ts";
import { DEFAULT_RESOURCES, type Resources } from "../core/resources.ts";
import { type BootedProcess, type Booter, DeadBootError, endBooted } from "./booter.ts";
import { SparePolicy } from "./spare_policy.ts";

/** After this long without a spawn, no spares are kept, unless something else is asked for. */
const IDLE_MS = 5_000;

/**
 * A spare that lived shorter than this is not replaced before the next spawn, since its replacement would
 * fail, too.
 */
const SHORT_LIFE_MS = 1_000;

/**
 * Keeps spares, as many as its policy says. They are not processes of the run yet: they are not shown, and
 * the output of their prelude is held.
 */
export class SparePool {
  readonly #booter: Booter;
  readonly #logger: Logger;
  readonly #policy: SparePolicy;
  readonly #idleMs: number;
  /** More boots at a time than this would only take the cores from each other. */
  readonly #cores = navigator.hardwareConcurrency;
  readonly #ready = new Set<BootedProcess>();
  /** The boots under way that no spawn waits for, oldest first, and the limit of each one's heap. */
  readonly #boots = new Map<Promise<BootedProcess | undefined>, number | undefined>();
  /** What becomes of each boot that no spawn has taken. */
  readonly #keeping = new Set<Promise<void>>();
  #idle: ReturnType<typeof setTimeout> | undefined;
  #refill: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /** @param options.idleMs After how long without a spawn no spares are kept. @default 5 s */
  constructor(
    booter: Booter,
    options: { max: number; idleMs?: number | undefined; logger: Logger },
  ) {
    this.#booter = booter;
    this.#logger = options.logger;
    this.#policy = new SparePolicy(options.max);
    this.#idleMs = options.idleMs ?? IDLE_MS;
  }

  /** How many are ready. */
  get size(): number {
    return this.#ready.size;
  }

  /**
   * Takes a spare out for a process with these resources: one that is ready, or else the one that will be
   * next. Resolves with `undefined` if none is under way, or if that one does not boot. A spare whose heap
   * would be too small is left.
   *
   * @param alone Whether no other spawn is in progress.
   */
  async take(alone: boolean, resources: Readonly<Resources>): Promise<BootedProcess | undefined> {
    this.#restartIdle();
    const heapBytes = this.#booter.heapBytes(resources);
    const spare = this.#ready.values().find((each) => hasRoom(each.heapBytes, heapBytes));
    const { mem } = resources;
    this.#policy.spawned({ nowMs: performance.now(), found: spare !== undefined, alone, mem });
    if (spare !== undefined) {
      this.#ready.delete(spare);
      return spare;
    }
    const [boot] = this.#boots.entries().find(([, limit]) => hasRoom(limit, heapBytes)) ?? [];
    if (boot === undefined) return undefined;
    this.#boots.delete(boot);
    return await boot;
  }

  /** Boots missing spares soon, as many at a time as there are cores. */
  refill(): void {
    if (this.#closed) return;
    clearTimeout(this.#refill);
    this.#refill = setTimeout(() => this.#bootMissing(), this.#policy.refillMs);
    Deno.unrefTimer(Number(this.#refill));
  }

  #bootMissing(): void {
    const resources = { ...DEFAULT_RESOURCES, mem: this.#policy.mem };
    const heapBytes = this.#booter.heapBytes(resources);
    // The next spawn could not use them.
    void this.#kill([...this.#ready].filter((each) => !hasRoom(each.heapBytes, heapBytes)));
    while (!this.#closed && this.#missing > 0 && this.#booter.busy < this.#cores) {
      const boot = this.#boot(resources);
      this.#boots.set(boot, heapBytes);
      const keeping = this.#keep(boot);
      this.#keeping.add(keeping);
      void keeping.then(() => this.#keeping.delete(keeping));
    }
  }

  get #missing(): number {
    return this.#policy.wanted - this.#ready.size - this.#boots.size;
  }

  /** Kills the spares; resolves when they are gone. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#idle);
    clearTimeout(this.#refill);
    await Promise.all([...this.#keeping, this.#kill([...this.#ready])]);
  }

  async #boot(resources: Readonly<Resources>): Promise<BootedProcess | undefined> {
    try {
      return await this.#booter.boot({ stdin: "null", resources });
    } catch (error) {
      if (error instanceof DeadBootError) await error.child.exited;
      if (!this.#closed) this.#logger.debug(`a spare did not boot: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** Keeps the process as a spare, unless a spawn has taken it, or it is not wanted any more. */
  async #keep(boot: Promise<BootedProcess | undefined>): Promise<void> {
    const spare = await boot;
    if (!this.#boots.delete(boot) || spare === undefined) return;
    if (this.#closed || this.#ready.size >= this.#policy.wanted) return await endBooted(spare);
    this.#ready.add(spare);
    const readyMs = performance.now();
    void spare.child.exited.then(() => {
      if (!this.#ready.delete(spare)) return;
      spare.arrival.link.close();
      if (performance.now() - readyMs > SHORT_LIFE_MS) this.refill();
    });
    this.#bootMissing();
  }

  async #kill(spares: readonly BootedProcess[]): Promise<void> {
    for (const spare of spares) this.#ready.delete(spare);
    await Promise.all(spares.map(endBooted));
  }

  #restartIdle(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      this.#policy.idle();
      void this.#kill([...this.#ready]);
    }, this.#idleMs);
    Deno.unrefTimer(Number(this.#idle));
  }
}

/** Whether a heap with one limit is large enough where another limit is wanted; `undefined` is no limit. */
function hasRoom(limit: number | undefined, wanted: number | undefined): boolean {
  return limit === undefined || (wanted !== undefined && limit >= wanted);
}
