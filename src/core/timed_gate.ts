/** How many of something there are at the same time. */

import { Fifo } from "./fifo.ts";
import { type StartTimer, startTimer } from "./timer.ts";

/** One that waits for its turn. */
interface Waiter {
  readonly enter: () => void;
}

/** How one waits for its turn. */
export interface EnterOptions {
  /** When it is aborted, the turn is given up. */
  readonly signal?: AbortSignal;
  /**
   * Called if there is no place at once, with a function that gives how many are before it. What this returns is
   * called once it no longer waits.
   */
  readonly onWait?: ((before: () => number) => () => void) | undefined;
}

/**
 * Lets so many in at a time, in the order in which they came. One that takes long does not delay the others for
 * ever: its place is free after a while.
 */
export class TimedGate {
  /** How many are let in at a time. */
  readonly places: number;
  readonly #holdMs: () => number;
  readonly #startTimer: StartTimer;
  readonly #waiting = new Fifo<Waiter>();
  #free: number;

  /**
   * @param holdMs After how long a place is free; asked again when that has passed.
   * @param measure Measures that.
   */
  constructor(
    places: number,
    holdMs: number | (() => number),
    measure: StartTimer = startTimer,
  ) {
    this.places = places;
    this.#free = places;
    this.#startTimer = measure;
    this.#holdMs = typeof holdMs === "number" ? () => holdMs : holdMs;
  }

  /**
   * Waits for a place. Resolves with the function that releases it; only its first call counts.
   *
   * @throws The reason of `signal`, if that is aborted before there is a place.
   */
  async enter({ signal, onWait }: EnterOptions = {}): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#wait(signal, onWait);
    let left = false;
    const leave = (): void => {
      if (left) return;
      left = true;
      cancel();
      // The place goes straight to the next waiter, so that a newcomer cannot overtake it.
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next.enter();
    };
    const beganMs = performance.now();
    const wait = (): void => {
      const leftMs = this.#holdMs() - (performance.now() - beganMs);
      if (leftMs <= 0) leave();
      else cancel = this.#startTimer(leftMs, wait);
    };
    let cancel = this.#startTimer(this.#holdMs(), wait);
    return leave;
  }

  #wait(signal: AbortSignal | undefined, onWait: EnterOptions["onWait"]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const over = (): void => {
      signal?.removeEventListener("abort", abort);
      told?.();
    };
    const waiter: Waiter = {
      enter: () => {
        over();
        resolve();
      },
    };
    const abort = (): void => {
      this.#waiting.remove(waiter);
      over();
      reject(signal!.reason);
    };
    this.#waiting.push(waiter);
    signal?.addEventListener("abort", abort);
    const told = onWait?.(() => Array.from(this.#waiting).indexOf(waiter));
    return promise;
  }
}
