/** How many processes boot at the same time, of all runs of a node. */

import { TimedGate } from "../core/timed_gate.ts";
import { startKeptTimer } from "../net/delay.ts";

/**
 * More are not ready sooner, and take more CPU time each; with fewer, one that waits for something would leave a
 * core idle.
 */
const BOOTS_PER_CORE = 2;

/** After this long, a process that is not ready is assumed not to be booting, … */
const MAX_BOOT_MS = 2_000;

/** … unless others take long, too: then it is a busy machine, and after so many times what they take. */
const MAX_BOOTS = 3;

/** How many of the latest boots tell how long they take. */
const LATEST = 8;

/**
 * Lets processes boot, a few at a time.
 *
 * Booting is CPU-bound. If 60 processes boot at once, all are ready only at the end; a few at a time, the
 * last is ready just as soon, and half of them in half of that time. A process that takes long for another
 * reason does not delay others.
 *
 * On a machine that is so busy that every boot takes long, more at a time would make it worse, and the node
 * would not get its turn.
 */
export class BootGate extends TimedGate {
  readonly #latestMs: number[];

  constructor(
    places: number = BOOTS_PER_CORE * navigator.hardwareConcurrency,
    leastHoldMs: number = MAX_BOOT_MS,
  ) {
    const latestMs: number[] = [];
    // The first process of a local run would wait 16 ms for the first setTimeout().
    super(places, () => holdMsOf(latestMs, leastHoldMs), startKeptTimer);
    this.#latestMs = latestMs;
  }

  /** A process has booted, and took so long. */
  took(ms: number): void {
    this.#latestMs.push(ms);
    if (this.#latestMs.length > LATEST) this.#latestMs.shift();
  }
}

/** How long a place is kept, by how long the latest boots took: the quickest has not waited for anything else. */
export function holdMsOf(latestMs: readonly number[], leastHoldMs: number): number {
  if (latestMs.length === 0) return leastHoldMs;
  return Math.max(leastHoldMs, MAX_BOOTS * Math.min(...latestMs));
}
