/** Timers as those of connections, whose time is up when a test says so. */

import type { DeadlineClock } from "../../src/net/deadlines.ts";
import type { Timer } from "../../src/net/delay.ts";

export class ManualTimers {
  readonly #all: { readonly ms: number; readonly timer: Timer }[] = [];
  #changed = Promise.withResolvers<void>();
  #nowMs = 0;

  readonly clock: DeadlineClock = {
    nowMs: () => this.#nowMs,
    startTimer: (ms, done) => {
      const timer: Timer = { onabort: done };
      this.#all.push({ ms, timer });
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
      return timer;
    },
  };

  /** Resolves when a timer of so many milliseconds runs. */
  async running(ms: number): Promise<void> {
    while (!this.#all.some((each) => each.ms === ms && each.timer.onabort !== null)) {
      await this.#changed.promise;
    }
  }

  /** So much time passes, and that of all timers of so many milliseconds is up. */
  pass(ms: number): void {
    this.#nowMs += ms;
    for (const { timer } of this.#all.filter((each) => each.ms === ms)) {
      timer.onabort?.();
      timer.onabort = null;
    }
  }
}
