/** The log of a run in memory. */

import type { EventRecord } from "./event_record.ts";
import type { LogPart, RunLog } from "./run_log.ts";

/** How many forgotten events stay in the list before it is shortened. */
const COMPACT_AT = 1_024;

/**
 * Keeps every event that may not be dropped yet, and the latest of the others, up to `keepBytes` in total.
 *
 * With `keepBytes` 0 an event is dropped as soon as it may be.
 */
export class MemoryLog implements RunLog {
  readonly #keepBytes: number;
  #records: (EventRecord | undefined)[] = [];
  /** How many records at the beginning of the list are dropped. */
  #forgotten = 0;
  /** The offset of the first entry of the list. */
  #base: number;
  #released = 0;
  #bytes = 0;

  /** `start` is the offset of its first event. */
  constructor({ keepBytes, start = 0 }: { keepBytes: number; start?: number }) {
    this.#keepBytes = keepBytes;
    this.#base = start;
  }

  get start(): number {
    return this.#base + this.#forgotten;
  }

  get end(): number {
    return this.#base + this.#records.length;
  }

  append(record: EventRecord): undefined {
    this.#records.push(record);
    this.#bytes += record.size;
    this.#forget();
  }

  read(offset: number, maxBytes: number): LogPart {
    const from = Math.max(offset, this.start);
    const records: EventRecord[] = [];
    let bytes = 0;
    for (let at = from - this.#base; at < this.#records.length; at++) {
      const record = this.#records[at]!;
      bytes += record.size;
      if (records.length > 0 && bytes > maxBytes) break;
      records.push(record);
    }
    return { from, records };
  }

  bytesFrom(offset: number): number {
    let bytes = 0;
    for (let at = Math.max(offset, this.start); at < this.end; at++) {
      bytes += this.#records[at - this.#base]!.size;
    }
    return bytes;
  }

  release(offset: number): void {
    this.#released = Math.max(this.#released, offset);
    this.#forget();
  }

  /** Nothing is stored. What is kept can still be read, by viewers that have not seen all of it. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  #forget(): void {
    while (this.#bytes > this.#keepBytes && this.start < Math.min(this.#released, this.end)) {
      this.#bytes -= this.#records[this.#forgotten]!.size;
      this.#records[this.#forgotten++] = undefined;
    }
    if (this.#forgotten === this.#records.length || this.#forgotten >= COMPACT_AT) {
      this.#base += this.#forgotten;
      this.#records = this.#records.slice(this.#forgotten);
      this.#forgotten = 0;
    }
  }
}
