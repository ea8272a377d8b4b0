/** Processes of a run that have booted, and wait to be spawned. */

import type { Logger } from "../core/logger.ts";
import { type BootedProcess, type Booter, DeadBootError, endBooted } from "./booter.ts";
import { SparePolicy } from "./spare_policy.ts";

/** After this long without a spawn, no spares are kept. */
const IDLE_MS = 5_000;

/**
 * The next spare begins to boot this long after a spawn, so that the answer to the spawn and the first work
 * of the process come first. Booting takes a core for longer than both.
 */
const REFILL_DELAY_MS = 50;

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
  readonly #ready = new Set<BootedProcess>();
  readonly #boots = new Set<Promise<void>>();
  #idle: ReturnType<typeof setTimeout> | undefined;
  #refill: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(booter: Booter, options: { max: number; logger: Logger }) {
    this.#booter = booter;
    this.#logger = options.logger;
    this.#policy = new SparePolicy(options.max);
  }

  /** How many are ready. */
  get size(): number {
    return this.#ready.size;
  }

  /** Takes a spare out, if one is ready. */
  take(): BootedProcess | undefined {
    this.#restartIdle();
    for (const spare of this.#ready) {
      this.#ready.delete(spare);
      return spare;
    }
    this.#policy.missed(performance.now());
    return undefined;
  }

  /** Boots missing spares soon, if nothing else is booting then: waiting spawns come first. */
  refill(): void {
    if (this.#closed || this.#refill !== undefined) return;
    this.#refill = setTimeout(() => {
      this.#refill = undefined;
      if (this.#booter.busy === 0) this.#bootMissing();
    }, REFILL_DELAY_MS);
    Deno.unrefTimer(Number(this.#refill));
  }

  #bootMissing(): void {
    while (!this.#closed && this.#ready.size + this.#boots.size < this.#policy.wanted) {
      const boot = this.#boot();
      this.#boots.add(boot);
      void boot.finally(() => this.#boots.delete(boot));
    }
  }

  /** Kills the spares; resolves when they are gone. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#idle);
    clearTimeout(this.#refill);
    await Promise.all([...this.#boots, this.#killAll()]);
  }

  async #boot(): Promise<void> {
    let spare: BootedProcess;
    try {
      spare = await this.#booter.boot({ stdin: false });
    } catch (error) {
      if (error instanceof DeadBootError) await error.child.exited;
      if (!this.#closed) this.#logger.debug(`a spare did not boot: ${(error as Error).message}`);
      return;
    }
    if (this.#closed || this.#ready.size >= this.#policy.wanted) return await endBooted(spare);
    this.#ready.add(spare);
    const readyMs = performance.now();
    void spare.child.exited.then(() => {
      if (!this.#ready.delete(spare)) return;
      spare.arrival.link.close();
      if (performance.now() - readyMs > SHORT_LIFE_MS) this.refill();
    });
  }

  async #killAll(): Promise<void> {
    const spares = [...this.#ready];
    this.#ready.clear();
    await Promise.all(spares.map(endBooted));
  }

  #restartIdle(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      this.#policy.idle();
      void this.#killAll();
    }, IDLE_MS);
    Deno.unrefTimer(Number(this.#idle));
  }
}
