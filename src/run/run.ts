/** A run as a thing: its log, the state that follows from it, and its viewers. */

import type { RunEvent } from "../core/events.ts";
import { EventRecord } from "./event_record.ts";
import type { LogPart, RunLog } from "./run_log.ts";
import { NEW_RUN, type RunState, step } from "./run_state.ts";

/** How much a viewer is given at once, roughly. */
const PART_BYTES = 1024 * 1024;

/** What a run keeps, and how far it may be ahead of its viewers. */
export interface RunOptions {
  readonly log: RunLog;
  /**
   * How far, in bytes, events may be ahead of the viewer that is furthest. With 0, whoever reports an
   * event waits until it has been shown, and its bytes are not copied: for a run with one viewer at most.
   */
  readonly roomBytes: number;
}

/** Whoever reported an event, and waits until there is room for the next one. */
interface Waiting {
  /** How many bytes of events are to be shown before. */
  readonly shownBytes: number;
  readonly go: () => void;
}

/**
 * One run.
 *
 * Its life hangs on no viewer: any number may come and go. The run is slowed only by the viewer that is
 * furthest, and only if that lags behind by more than there is room for; without a viewer, nothing waits.
 * A viewer that another one leaves behind finds the oldest events gone if the log cannot keep them.
 */
export class Run {
  readonly #log: RunLog;
  readonly #roomBytes: number;
  readonly #viewers = new Set<RunViewer>();
  /** In the order in which they are let go. */
  #waiting: Waiting[] = [];
  #state = NEW_RUN;
  /** The size of all events there have been. */
  #bytes = 0;
  #closed = false;

  constructor({ log, roomBytes }: RunOptions) {
    this.#log = log;
    this.#roomBytes = roomBytes;
  }

  /** What is known of the run now. */
  get state(): RunState {
    return this.#state;
  }

  /**
   * Adds an event. Resolves when the next one may come of whoever reported this one: see
   * {@linkcode RunOptions.roomBytes}. The bytes of an output may be others then.
   *
   * @throws {EventOrderError} If the event cannot come now. Nothing of it has been taken then.
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

  /** Begins to view it, from the event at `offset` on, or from the oldest one that is still there. */
  view(offset = 0): RunViewer {
    const viewer = new RunViewer(this.#log, offset, () => this.#settle(), () => {
      this.#viewers.delete(viewer);
      this.#settle();
    });
    if (this.#closed) viewer.finish();
    this.#viewers.add(viewer);
    return viewer;
  }

  /** No event comes any more: viewers end when they have seen the last one. */
  close(): void {
    this.#closed = true;
    for (const viewer of this.#viewers) viewer.finish();
  }

  /** How many bytes the viewer that is furthest has shown, of all there have been. */
  #shownBytes(): number {
    if (this.#viewers.size === 0) return this.#bytes;
    let lag = Infinity;
    for (const viewer of this.#viewers) lag = Math.min(lag, viewer.lagBytes);
    return this.#bytes - lag;
  }

  /** A viewer has moved, come or gone. */
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
 * Whoever shows a run: takes its events in order, part by part, as they come.
 *
 * Iterated once. To ask for the next part says that the one before has been shown. Leaving the loop ends
 * the viewing; the loop ends by itself after the last event of a run that is closed. A part that begins
 * later than the one before ended (see {@linkcode LogPart.from}) means that events in between are gone.
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

  /** `moved` is called when it has shown something, `left` when it shows no more. */
  constructor(log: RunLog, offset: number, moved: () => void, left: () => void) {
    this.#log = log;
    this.#moved = moved;
    this.#left = left;
    this.#offset = Math.min(offset, log.end);
    this.#lagBytes = log.bytesFrom(this.#offset);
  }

  /** It has shown all events before this offset, of those that were there. */
  get offset(): number {
    return this.#offset;
  }

  /** The size of the events that it has yet to show, in bytes. */
  get lagBytes(): number {
    return this.#lagBytes;
  }

  /** So many bytes have been added to the log. */
  appended(bytes: number): void {
    this.#lagBytes += bytes;
    this.#wake();
  }

  /** Ends the viewing, whatever has been shown: the run waits for it no more. */
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
    // Sizes that a log has not by heart are rough, and where something is gone they differ by that.
    if (offset === this.#log.end) this.#lagBytes = 0;
    else if (from > this.#offset) this.#lagBytes = this.#log.bytesFrom(offset);
    else this.#lagBytes = Math.max(0, this.#lagBytes - shownBytes);
    this.#offset = offset;
    this.#moved();
  }
}
