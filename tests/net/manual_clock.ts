/** A clock that tests move by hand. */

import type { Clock } from "../../src/net/clock.ts";

interface Timer {
  /** `Infinity` for a single call. */
  readonly everyMs: number;
  readonly tick: () => void;
  nextMs: number;
}

/** Time stands still until the test moves it. */
export class ManualClock implements Clock {
  #nowMs = 0;
  readonly #timers = new Set<Timer>();

  /** The number of pending timers. */
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

  /** Moves the time forward, and calls each timer that is due at its time, in order. */
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

  /** Moves the time forward as for a process that stands still: each timer that is due is called once, at the end. */
  standStill(ms: number): void {
    this.#nowMs += ms;
    for (const timer of [...this.#timers]) {
      if (timer.nextMs > this.#nowMs) continue;
      timer.nextMs = this.#nowMs + timer.everyMs;
      if (timer.nextMs === Infinity) this.#timers.delete(timer);
      timer.tick();
    }
  }

  #add(timer: Timer): () => void {
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }
}
