/** How many processes boot at the same time, of all runs of a node. */

import { TimedGate } from "../core/timed_gate.ts";

/**
 * More are not ready sooner, and take more CPU time each; with fewer, one that waits for something would leave a
 * core idle.
 */
const BOOTS_PER_CORE = 2;

/** After this long, a process that is not ready is assumed not to be booting. */
const MAX_BOOT_MS = 2_000;

/**
 * Lets processes boot, a few at a time.
 *
 * Booting is CPU-bound. If 60 processes boot at once, all are ready only at the end; a few at a time, the
 * last is ready just as soon, and half of them in half of that time. A process that takes long for another
 * reason does not delay others.
 */
export class BootGate extends TimedGate {
  constructor(
    places: number = BOOTS_PER_CORE * navigator.hardwareConcurrency,
    holdMs: number = MAX_BOOT_MS,
  ) {
    super(places, holdMs);
  }
}
