/** Tells whether any of many nodes would be large enough for a request if it were empty. */

import { type Amount, fits } from "./amount.ts";

/**
 * The largest of the capacities added so far: those that no other one exceeds in both
 * dimensions. From the first to the last, memory falls and CPU rises.
 */
export class CapacityFront {
  #largest: Amount[] = [];

  /** Adds a capacity. */
  add(capacity: Amount): void {
    if (this.covers(capacity)) return;
    this.#largest = this.#largest.filter((other) => !fits(other, capacity));
    const at = this.#largest.findIndex((other) => other.mem < capacity.mem);
    this.#largest.splice(at < 0 ? this.#largest.length : at, 0, capacity);
  }

  /** Whether at least one capacity is enough for `need`. */
  covers(need: Amount): boolean {
    // Of those with enough memory, the last has the most CPU.
    let [low, high] = [0, this.#largest.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#largest[middle]!.mem >= need.mem) low = middle + 1;
      else high = middle;
    }
    return low > 0 && this.#largest[low - 1]!.cpu >= need.cpu;
  }
}
