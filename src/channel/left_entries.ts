/**
 * The entries that a process which has ended had in the line of one channel, read one after the other. Only its
 * node has them: processes do not load this module.
 */

import type { StoredPart } from "../core/stored_bytes.ts";
import { FRONT_BYTES } from "./large_value.ts";
import type { SavedEntry } from "./saved_peer.ts";
import { type Entry, type ValueEntry, valueEntry } from "./send_line.ts";

/** A {@linkcode SavedEntry} that is read when it is its turn. */
export interface StoredEntry extends Omit<SavedEntry, "rest"> {
  readonly rest: StoredPart | null;
}

export class LeftEntries {
  /** All of them. */
  readonly entries: Iterable<StoredEntry>;
  readonly #rest: Iterator<StoredEntry>;
  /** The first one, once it was asked for. */
  #first: IteratorResult<StoredEntry> | undefined;

  constructor(entries: Iterable<StoredEntry>) {
    this.entries = entries;
    this.#rest = entries[Symbol.iterator]();
  }

  /**
   * Takes out the first one, for a line; a value only if there is room for it, or else gives `"no room"`. Gives
   * `undefined` if there is none.
   *
   * @throws {ProtocolError} If what is stored there is none.
   */
  take(hasRoom: boolean): Entry | "no room" | undefined {
    const first = this.#peek();
    if (first === undefined) return undefined;
    const { rest, begun } = first;
    if (rest !== null && !hasRoom) return "no room";
    this.#first = undefined;
    return rest === null
      ? { kind: "end", held: false, settle: undefined }
      : restoredEntry(rest, begun);
  }

  /** Removes all values up to the end of the channel. */
  skipValues(): void {
    while (this.#peek()?.rest) this.#first = undefined;
  }

  #peek(): StoredEntry | undefined {
    this.#first ??= this.#rest.next();
    return this.#first.done === true ? undefined : this.#first.value;
  }
}

/** What is left of a value that another process had encoded. */
function restoredEntry(rest: StoredPart, begun: boolean): ValueEntry {
  const bytes = new Uint8Array(FRONT_BYTES + rest.size).subarray(FRONT_BYTES);
  rest.readInto(bytes, 0);
  const layout = { length: rest.size, bufferStart: 0, bufferSize: 0 };
  return valueEntry(bytes, layout, { begun, incomplete: false });
}
