/** How many questions of one kind a process asks its node at a time. */

import { Fifo } from "../core/fifo.ts";

interface Waiting {
  readonly bytes: number;
  readonly enter: () => void;
}

/**
 * Lets questions pass in the order in which they came, so many at a time, of so many bytes together; a larger
 * one passes alone. The others wait here, in the memory of the process that asks them: its node, and the master,
 * have few of each process to remember, and to look through.
 */
export class QuestionGate {
  readonly #most: number;
  readonly #mostBytes: number;
  readonly #waiting = new Fifo<Waiting>();
  #inside = 0;
  #bytes = 0;

  constructor(most: number, mostBytes = Infinity) {
    this.#most = most;
    this.#mostBytes = mostBytes;
  }

  /** Waits for a place, for a question of so many bytes; `undefined`: it has one already. */
  enter(bytes = 0): Promise<void> | undefined {
    if (this.#waiting.length === 0 && this.#hasRoom(bytes)) {
      this.#add(bytes);
      return undefined;
    }
    return new Promise((enter) => this.#waiting.push({ bytes, enter }));
  }

  /** A question that had a place, of so many bytes, has been answered. */
  leave(bytes = 0): void {
    this.#inside--;
    this.#bytes -= bytes;
    for (
      let next = this.#waiting.first;
      next !== undefined && this.#hasRoom(next.bytes);
      next = this.#waiting.first
    ) {
      this.#waiting.shift();
      this.#add(next.bytes);
      next.enter();
    }
  }

  #hasRoom(bytes: number): boolean {
    return this.#inside === 0 ||
      (this.#inside < this.#most && this.#bytes + bytes <= this.#mostBytes);
  }

  #add(bytes: number): void {
    this.#inside++;
    this.#bytes += bytes;
  }
}
