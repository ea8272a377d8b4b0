/**
 * What may be sent on a channel: its window, as the sender counts it, which the receiver widens by giving credit,
 * and the queue of what waits for room in it.
 */

import type { Hold } from "./hold.ts";
import type { SavedEntry } from "./saved_peer.ts";
import { ProtocolError } from "../core/errors.ts";
import { Fifo } from "../core/fifo.ts";
import { FIRST_WINDOW_BYTES, type Layout, WINDOW_BYTES } from "../wire/frame.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A value, or what is left of it. */
export interface ValueEntry {
  readonly kind: "value";
  /** The encoded value, with room for a header before it; or what is left of it. */
  rest: Bytes;
  readonly layout: Layout;
  /** Whether a piece of it was sent. */
  begun: boolean;
  /** Whether the contents of its blobs are still being read; it cannot be sent before. */
  incomplete: boolean;
  /** Its waiter, if there is one. */
  settle: { resolve: () => void; reject: (error: Error) => void } | undefined;
}

/** A value without a waiter. */
export function valueEntry(
  rest: Bytes,
  layout: Layout,
  state: Pick<ValueEntry, "begun" | "incomplete">,
): ValueEntry {
  return { kind: "value", rest, layout, ...state, settle: undefined };
}

/** The end of the channel. */
export interface EndEntry {
  readonly kind: "end";
  /** Whether it must not be written yet. */
  held: boolean;
  readonly settle: (() => void) | undefined;
}

/** A `select` that sends if room comes first: calls `take`. */
export interface OfferEntry {
  readonly kind: "offer";
  readonly take: () => void;
}

export type Entry = ValueEntry | EndEntry | OfferEntry;

/** A cancellable place in the queue. */
export interface Place {
  /** Cancels the place: its entry is not sent. Returns whether it was still queued. */
  leave(): boolean;
}

/** The size of a queue. */
export interface LineUp {
  /** Sends with a waiter. */
  readonly sends: number;
  readonly selects: number;
  /** Bytes of values. */
  readonly bytes: number;
}

/** The queued entries of a channel, and what they wait for. */
export interface Waiting extends LineUp {
  /** Bytes in flight or unread. */
  readonly inFlight: number;
  readonly window: number;
}

export class SendLine {
  readonly #entries = new Fifo<Entry>();
  readonly #hold: Hold;
  /** Called with the change in the number of queued values and ends. */
  readonly #changed: (by: number) => void;

  constructor(hold: Hold, changed: (by: number) => void) {
    this.#hold = hold;
    this.#changed = changed;
  }

  get length(): number {
    return this.#entries.length;
  }

  get first(): Entry | undefined {
    return this.#entries.first;
  }

  /** The channel's end, if it must not be written yet. */
  get heldEnd(): EndEntry | undefined {
    const last = this.#entries.last;
    return last?.kind === "end" && last.held ? last : undefined;
  }

  push(entry: Entry): void {
    this.#entries.push(entry);
    if (entry.kind !== "offer") this.#changed(1);
  }

  /** Inserts a value at the front. */
  unshift(entry: ValueEntry): void {
    this.#entries.unshift(entry);
    this.#changed(1);
  }

  /**
   * Adds a waiter to a queued value: the process is kept alive until it is settled.
   *
   * @param placed Gives an error the stack of the call that waits.
   */
  wait(entry: ValueEntry, placed: (error: Error) => Error): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    entry.settle = { resolve, reject: (error) => reject(placed(error)) };
    this.#hold.acquire();
    return promise;
  }

  /** The first entry was sent, or taken: removes it, and settles its waiter. */
  done(): void {
    const entry = this.#entries.shift()!;
    if (entry.kind === "offer") return;
    this.#changed(-1);
    if (entry.settle === undefined) return;
    if (entry.kind === "end") return entry.settle();
    this.#hold.release();
    entry.settle.resolve();
  }

  /** Removes an entry silently; returns whether it was still queued. */
  leave(entry: Entry): boolean {
    if (!this.#entries.remove(entry)) return false;
    if (entry.kind === "offer") return true;
    this.#changed(-1);
    if (entry.kind === "value" && entry.settle !== undefined) this.#hold.release();
    return true;
  }

  /**
   * Removes a value that cannot be sent, if it is still queued, and rejects its waiter.
   *
   * @throws `error`, if there is no waiter, as for a value that a `select` has sent: it ends the process.
   */
  fail(entry: ValueEntry, error: unknown): void {
    if (!this.leave(entry)) return;
    if (entry.settle === undefined) throw error;
    entry.settle.reject(error as Error);
  }

  /** Takes all offers, and gives them. */
  takeOffers(): OfferEntry[] {
    return this.#entries.extract((entry) => entry.kind === "offer") as OfferEntry[];
  }

  /** Rejects everything, except ends if `exceptEnds`; offers are taken, and get the error. */
  reject(error: () => Error, exceptEnds: boolean): void {
    const gone = exceptEnds
      ? this.#entries.extract((entry) => entry.kind !== "end")
      : this.#entries.drain();
    for (const entry of gone) {
      if (entry.kind === "offer") {
        entry.take();
        continue;
      }
      this.#changed(-1);
      if (entry.settle === undefined) continue;
      if (entry.kind === "end") {
        entry.settle();
      } else {
        this.#hold.release();
        entry.settle.reject(error());
      }
    }
  }

  /** What stands in line. */
  lineUp(): LineUp {
    let [sends, selects, bytes] = [0, 0, 0];
    for (const entry of this.#entries) {
      if (entry.kind === "offer") selects++;
      if (entry.kind !== "value") continue;
      bytes += entry.rest.length;
      if (entry.settle !== undefined) sends++;
    }
    return { sends, selects, bytes };
  }

  /**
   * The queued entries, for a will, without offers, which were never taken, and without a held end; up to
   * a value whose blobs are still being read.
   */
  save(): SavedEntry[] {
    const entries: SavedEntry[] = [];
    for (const entry of this.#entries) {
      if (entry.kind === "value" && entry.incomplete) break;
      if (entry.kind === "value") entries.push({ rest: entry.rest, begun: entry.begun });
      else if (entry.kind === "end" && !entry.held) entries.push({ rest: null, begun: false });
    }
    return entries;
  }
}

export class SendWindow {
  #inFlight = 0;
  /** 0 until the other process has been told of the channel. */
  #size = 0;

  /** Bytes of the window that the receiver has not given credit for. */
  get inFlight(): number {
    return this.#inFlight;
  }

  get size(): number {
    return this.#size;
  }

  /** Whether there is a Receiver, so that the window is the full one. */
  get accepted(): boolean {
    return this.#size === WINDOW_BYTES;
  }

  /** Whether a value may be sent. The last one that is may be larger than the room that is left. */
  get room(): boolean {
    return this.#inFlight < this.#size;
  }

  /** Whether a piece of a value of `length` bytes may be sent: no room is made for it without a Receiver. */
  mayHold(length: number): boolean {
    return this.room && (this.accepted || length <= FIRST_WINDOW_BYTES);
  }

  /** The other process has been told of the channel, or is about to be. */
  open(): void {
    this.#size = FIRST_WINDOW_BYTES;
  }

  /** This many bytes are sent. */
  take(count: number): void {
    this.#inFlight += count;
  }

  /**
   * The receiver no longer holds this many bytes of channel `number`.
   *
   * @throws {ProtocolError} If it never held that many.
   */
  credit(count: number, number: number): void {
    if (count > this.#inFlight) {
      throw new ProtocolError(
        `a credit of ${count} bytes for channel ${number}; only ${this.#inFlight} are in flight`,
      );
    }
    this.#inFlight -= count;
  }

  /**
   * Channel `number` has a Receiver.
   *
   * @throws {ProtocolError} If this was known.
   */
  accept(number: number): void {
    if (this.accepted) throw new ProtocolError(`channel ${number} was accepted twice`);
    this.#size = WINDOW_BYTES;
  }

  /** Continues the window of a process that has ended. */
  restore(inFlight: number, accepted: boolean): void {
    this.#inFlight = inFlight;
    this.#size = accepted ? WINDOW_BYTES : FIRST_WINDOW_BYTES;
  }
}
