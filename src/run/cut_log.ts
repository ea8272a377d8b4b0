/** The log of a run of which the last events are missing: what there is, and a line that says so. */

import type { EventRecord } from "./event_record.ts";
import type { LogPart, RunLog } from "./run_log.ts";

/** Another log, which gets no more events, and a last event after it. */
export class CutLog implements RunLog {
  readonly #log: RunLog;
  readonly #last: EventRecord;

  /** `log` belongs to this one. */
  constructor(log: RunLog, last: EventRecord) {
    this.#log = log;
    this.#last = last;
  }

  get start(): number {
    return this.#log.start;
  }

  get end(): number {
    return this.#log.end + 1;
  }

  /** @throws {Error} Always: it has its last event. */
  append(): never {
    throw new Error("Cannot append to the log of a run that has ended");
  }

  read(offset: number, maxBytes: number): LogPart | Promise<LogPart> {
    const { end } = this.#log;
    if (offset < end) return this.#log.read(offset, maxBytes);
    return { from: Math.min(offset, end + 1), records: offset === end ? [this.#last] : [] };
  }

  bytesFrom(offset: number): number {
    const { end } = this.#log;
    const before = offset < end ? this.#log.bytesFrom(offset) : 0;
    return before + (offset <= end ? this.#last.size : 0);
  }

  release(offset: number): void {
    this.#log.release(offset);
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}
