/** The entries that a process which has ended had in the line of one channel, read one after the other. */

import type { StoredEntry } from "./send_line.ts";

export class LeftEntries {
  readonly #entries: Iterator<StoredEntry>;
  /** The first one, once it was asked for. */
  #first: IteratorResult<StoredEntry> | undefined;

  constructor(entries: Iterable<StoredEntry>) {
    this.#entries = entries[Symbol.iterator]();
  }

  /**
   * The first one; `undefined` if there is none.
   *
   * @throws {ProtocolError} If what is stored there is none.
   */
  get first(): StoredEntry | undefined {
    this.#first ??= this.#entries.next();
    return this.#first.done === true ? undefined : this.#first.value;
  }

  /** Removes the first one. */
  shift(): void {
    this.#first = undefined;
  }

  /** Removes all values up to the end of the channel. */
  skipValues(): void {
    while (this.first !== undefined && this.first.rest !== null) this.shift();
  }
}
