/** The ends of many waits that are equally long, by one timer at a time. */

import { startTimer, type Timer } from "./delay.ts";

/** What time is, for those that wait. */
export interface DeadlineClock {
  /** Milliseconds since some moment; monotonic. */
  readonly nowMs: () => number;
  readonly startTimer: (ms: number, done: () => void) => Timer;
}

/** Real time, which keeps no process alive. */
const REAL: DeadlineClock = { nowMs: () => performance.now(), startTimer };

/**
 * Entries that may wait for so long.
 *
 * A timer for each would cost more than a connection, even if it is cancelled: those that keep connecting would have a
 * process hold as many as come in that time.
 */
export class Deadlines<Entry> {
  readonly #ms: number;
  readonly #due: (entry: Entry) => void;
  readonly #clock: DeadlineClock;
  /** When the time of each is up; those that began first are first. */
  readonly #waiting = new Map<Entry, number>();
  #isRunning = false;

  /** `due` is called for those whose time is up, and does not throw. */
  constructor(ms: number, due: (entry: Entry) => void, clock: DeadlineClock = REAL) {
    this.#ms = ms;
    this.#due = due;
    this.#clock = clock;
  }

  /** The time of an entry begins. */
  add(entry: Entry): void {
    this.#waiting.set(entry, this.#clock.nowMs() + this.#ms);
    if (!this.#isRunning) this.#start(this.#ms);
  }

  /** It does not wait any more, if it did. */
  delete(entry: Entry): void {
    this.#waiting.delete(entry);
  }

  #start(ms: number): void {
    this.#isRunning = true;
    this.#clock.startTimer(Math.max(1, Math.ceil(ms)), () => this.#look());
  }

  #look(): void {
    this.#isRunning = false;
    const nowMs = this.#clock.nowMs();
    for (const [entry, atMs] of this.#waiting) {
      if (atMs > nowMs) return this.#start(atMs - nowMs);
      this.#waiting.delete(entry);
      this.#due(entry);
    }
  }
}
