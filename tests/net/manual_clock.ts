/** A clock that tests move by hand. */

import type { Clock } from "../../src/net/clock.ts";

interface Timer {
  /** Infinite of what is called once. */
  readonly everyMs: number;
  readonly tick: () => void;
  nextMs: number;
}

/** Stands still until it is moved. */
export class ManualClock implements Clock {
  #nowMs = 0;
  readonly #timers = new Set<Timer>();

  /** How many callers are to be called again. */
  get timers(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#nowMs;
  }

  every(everyMs: number, tick: () => void): () => void {
    return this.#add({ everyMs, tick, nextMs: this.#nowMs + everyMs });
  }

  after(ms: number, due: () => void): () => void {
    return this.#add({ everyMs: Infinity, tick: due, nextMs: this.#nowMs + ms });
  }

  /** Lets time pass, and calls what is due meanwhile, each at its moment, in order. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      let next: Timer | undefined;
      for (const timer of this.#timers) {
        if (timer.nextMs <= endMs && timer.nextMs < (next?.nextMs ?? Infinity)) next = timer;
      }
      if (next === undefined) break;
      this.#nowMs = next.nextMs;
      next.nextMs += next.everyMs;
      if (next.nextMs === Infinity) this.#timers.delete(next);
      next.tick();
    }
    this.#nowMs = endMs;
  }

  #add(timer: Timer): () => void {
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }
}
