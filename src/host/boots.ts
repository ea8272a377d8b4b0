/** What the runs of a node share while their processes boot. */

import { BootGate } from "./boot_gate.ts";

/**
 * The boots of a node: how many there are at a time, and how many first processes wait, booted on trial, to be
 * launched. Nothing is reserved for these, so they are few.
 */
export class Boots {
  readonly gate: BootGate;
  readonly #mostTried: number;
  /** What ends each first process that waits, the oldest first. */
  readonly #tried = new Set<() => void>();

  /**
   * @param gate Lets processes boot.
   * @param mostTried How many first processes may wait to be launched.
   */
  constructor(
    gate: BootGate = new BootGate(),
    mostTried: number = navigator.hardwareConcurrency,
  ) {
    this.gate = gate;
    this.#mostTried = mostTried;
  }

  /**
   * A first process has booted, and waits to be launched. If there are too many, the oldest is ended: it boots
   * again at its launch. Returns a function to call once it no longer waits.
   *
   * @param drop Ends it.
   */
  tried(drop: () => void): () => void {
    this.#tried.add(drop);
    if (this.#tried.size > this.#mostTried) {
      const oldest = this.#tried.values().next().value!;
      this.#tried.delete(oldest);
      oldest();
    }
    return () => void this.#tried.delete(drop);
  }
}
