/** A run: its log, the state derived from it, and its viewers. */

import type { RunEvent } from "../core/events.ts";
import { EventRecord } from "./event_record.ts";
import type { LogPart, RunLog } from "./run_log.ts";
import { NEW_RUN, type RunState, step } from "./run_state.ts";

/** About how much a viewer is given at once. */
const PART_BYTES = 1024 * 1024;

/** What a run keeps, and how far it may be ahead of its viewers. */
export interface RunOptions {
  readonly log: RunLog;
  /**
   * How far, in bytes, events may be ahead of the fastest viewer. With 0, the source of an event waits
   * until it has been shown, and its bytes are not copied: for a run with at most one viewer.
   */
  readonly roomBytes: number;
}

/** The source of an event that waits until there is room for the next one. */
interface Waiting {
  /** How many bytes of events have to be shown first. */
  readonly shownBytes: number;
  readonly go: () => void;
}

/**
 * One run.
 *
 * It is independent of its viewers: any number may come and go. Only the fastest viewer slows the run, and
 * only if it lags behind by more than the allowed room; without a viewer, nothing waits. A slower viewer
 * misses the oldest events if the log cannot keep them.
 */
export class Run {
  readonly #log: RunLog;
  readonly #roomBytes: number;
  readonly #viewers = new Set<RunViewer>();
  /** In the order in which they are released. */
  #waiting: Waiting[] = [];
  #state = NEW_RUN;
  /** The size of all events there have been. */
  #bytes = 0;
  #closed = false;

  constructor({ log, roomBytes }: RunOptions) {
    this.#log = log;
    this.#roomBytes = roomBytes;
  }

  /** The current state of the run. */
  get state(): RunState {
    return this.#state;
  }

  /**
   * Adds an event. Resolves when its source may report the next one: see {@linkcode RunOptions.roomBytes}.
   * The bytes of an output may be overwritten then.
   *
   * @throws {EventOrderError} If the event is impossible now. Nothing is recorded then.
   */
  append(event: RunEvent | EventRecord): Promise<void> {
    const record = event instanceof EventRecord ? event : EventRecord.of(event);
    this.#state = step(this.#state, record.event);
    const kept = this.#roomBytes === 0 ? record : record.owned();
    const taken = this.#log.append(kept);
    this.#bytes += kept.size;
    for (const viewer of this.#viewers) viewer.appended(kept.size);
    this.#settle();
    const shownBytes = this.#bytes - this.#roomBytes;
    if (this.#shownBytes() >= shownBytes) return taken ?? Promise.resolve();
    const shown = new Promise<void>((go) => this.#waiting.push({ shownBytes, go }));
    return taken === undefined ? shown : taken.then(() => shown);
  }

  /** Begins to view it, from the event at `offset` on, or from the oldest remaining one. */
  view(offset = 0): RunViewer {
    const viewer = new RunViewer(this.#log, offset, () => this.#settle(), () => {
      this.#viewers.delete(viewer);
      this.#settle();
    });
    if (this.#closed) viewer.finish();
    this.#viewers.add(viewer);
    return viewer;
  }

  /** No more events follow: viewers end when they have seen the last one. */
  close(): void {
    this.#closed = true;
    for (const viewer of this.#viewers) viewer.finish();
  }

  /** How many bytes of all events the fastest viewer has shown. */
  #shownBytes(): number {
    if (this.#viewers.size === 0) return this.#bytes;
    let lag = Infinity;
    for (const viewer of this.#viewers) lag = Math.min(lag, viewer.lagBytes);
    return this.#bytes - lag;
  }

  /** A viewer has moved, been added or been removed. */
  #settle(): void {
    let furthest = this.#viewers.size === 0 ? this.#log.end : 0;
    for (const viewer of this.#viewers) furthest = Math.max(furthest, viewer.offset);
    this.#log.release(furthest);
    if (this.#waiting.length === 0) return;
    const shown = this.#shownBytes();
    let count = 0;
    while (count < this.#waiting.length && this.#waiting[count]!.shownBytes <= shown) {
      this.#waiting[count++]!.go();
    }
    if (count > 0) this.#waiting = this.#waiting.slice(count);
  }
}

/**
 * A viewer of a run: takes its events in order, part by part, as they come.
 *
 * Iterated once. Asking for the next part confirms that the previous one has been shown. Leaving the loop
 * ends the viewing; the loop ends by itself after the last event of a run that is closed. A part that
 * begins later than the one before ended (see {@linkcode LogPart.from}) means that events in between are
 * gone.
 */
export class RunViewer {
  readonly #log: RunLog;
  readonly #moved: () => void;
  readonly #left: () => void;
  #offset: number;
  #lagBytes: number;
  #finished = false;
  #closed = false;
  #wake: () => void = () => {};

  /** `moved` is called when it has shown something, `left` when it ends. */
  constructor(log: RunLog, offset: number, moved: () => void, left: () => void) {
    this.#log = log;
    this.#moved = moved;
    this.#left = left;
    this.#offset = Math.min(offset, log.end);
    this.#lagBytes = log.bytesFrom(this.#offset);
  }

  /** It has shown all available events before this offset. */
  get offset(): number {
    return this.#offset;
  }

  /** The size of the events that it has yet to show, in bytes. */
  get lagBytes(): number {
    return this.#lagBytes;
  }

  /** Records that bytes have been added to the log. */
  appended(bytes: number): void {
    this.#lagBytes += bytes;
    this.#wake();
  }

  /** Ends the viewing, whatever has been shown: the run no longer waits for it. */
  close(): void {
    this.#closed = true;
    this.#left();
    this.#wake();
  }

  /** Nothing more is added to the log. */
  finish(): void {
    this.#finished = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<LogPart, undefined> {
    try {
      while (!this.#closed) {
        const part = await this.#log.read(this.#offset, PART_BYTES);
        if (this.#closed) return;
        if (part.records.length > 0) {
          yield part;
          this.#pass(part);
        } else if (this.#log.end <= part.from) {
          if (this.#finished) return;
          await new Promise<void>((resolve) => this.#wake = resolve);
        }
      }
    } finally {
      this.#left();
    }
  }

  #pass({ from, records }: LogPart): void {
    const offset = from + records.length;
    const shownBytes = records.reduce((sum, { size }) => sum + size, 0);
    // Sizes that a log has to estimate are approximate, and differ where events have been dropped.
    if (offset === this.#log.end) this.#lagBytes = 0;
    else if (from > this.#offset) this.#lagBytes = this.#log.bytesFrom(offset);
    else this.#lagBytes = Math.max(0, this.#lagBytes - shownBytes);
    this.#offset = offset;
    this.#moved();
  }
}
