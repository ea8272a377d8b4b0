/**
 * The receiving half of one channel: its values, held until the receiver asks for them, and the waiters for
 * the next one.
 *
 * Values are held as received bytes, and decoded on demand. Pure: it turns arrivals into values, and reads
 * into credit.
 */

import {
  CREDIT_BYTES,
  FIRST_WINDOW_BYTES,
  HEADER_BYTES,
  type Layout,
  MAX_PIECE_BYTES,
  readLength,
  WINDOW_BYTES,
} from "../wire/frame.ts";
import { ProtocolError } from "../core/errors.ts";
import { decode } from "../codec/value_decoder.ts";
import { Assembly } from "./large_value.ts";
import { Fifo } from "../core/fifo.ts";
import type { Waiter } from "./waiter.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The target of the frames of one channel. */
export interface Arrivals {
  /** See {@linkcode FrameHandler}. */
  value(bytes: Bytes, start: number, end: number): boolean;
  begin(layout: Layout): void;
  pieceTarget(filled: number, left: number): Bytes;
  piece(filled: number, whole: boolean): void;
  /** The value of which pieces have arrived is cancelled. */
  cancel(): void;
}

const SCRATCH_BYTES = 64 * 1024;
let scratch: Bytes | undefined;

/**
 * Discards everything. A value may be dropped in the middle of its pieces, so a piece without a value is
 * not an error.
 */
export const discard: Arrivals = {
  value: () => false,
  begin: () => {},
  pieceTarget: (_filled, left) => {
    scratch ??= new Uint8Array(SCRATCH_BYTES);
    return scratch.subarray(0, left);
  },
  piece: () => {},
  cancel: () => {},
};

/** Consecutive `value` frames in one buffer, from `position` to `end`. */
interface Run {
  readonly kind: "run";
  readonly bytes: Bytes;
  position: number;
  end: number;
}

type Entry =
  | Run
  /** A value that came in pieces. */
  | { readonly kind: "large"; readonly assembly: Assembly };

/** The next item for the receiver. */
export type Next = "value" | "end" | "nothing";

/** How the sender ended a channel: it closed it, or aborted it for a reason. */
export type ChannelEnd = { readonly kind: "closed" } | {
  readonly kind: "aborted";
  reason: unknown;
};

export class InChannel implements Arrivals {
  readonly name: string;
  /** Called with the bytes that the sender may send again. */
  readonly #giveCredit: (channel: InChannel, count: number) => void;
  #number: number | undefined;
  /** Whether there is a Receiver for it. */
  #accepted: boolean;
  #closed = false;
  readonly #entries = new Fifo<Entry>();
  /** A value that comes in pieces. */
  #assembly: Assembly | undefined;
  /** Bytes that are held or not yet credited: at most a window and the excess of one frame. */
  #uncredited = 0;
  /** Bytes that are no longer held, and not yet credited. */
  #consumed = 0;
  readonly #waiters = new Fifo<Waiter>();
  #end: ChannelEnd | undefined;
  #failed = false;

  /**
   * @param number Its number, or `undefined` for a channel that has a Receiver but has not arrived.
   */
  constructor(
    name: string,
    number: number | undefined,
    giveCredit: (channel: InChannel, count: number) => void,
  ) {
    this.name = name;
    this.#number = number;
    this.#accepted = number === undefined;
    this.#giveCredit = giveCredit;
  }

  /** Its number; `undefined` if it has not arrived yet. */
  get number(): number | undefined {
    return this.#number;
  }

  /** How the sender ended it, if it has. */
  get end(): ChannelEnd | undefined {
    return this.#end;
  }

  /** The waiters, in the order in which they are served. */
  get waiters(): Iterable<Waiter> {
    return this.#waiters;
  }

  /** It has arrived, with this number. */
  arrive(number: number): void {
    this.#number = number;
  }

  /** There is a Receiver for it now. */
  accept(): void {
    this.#accepted = true;
    if (this.#entries.length === 0) this.#releaseAssembly();
  }

  /** Ends the receiving, dropping what is held. */
  close(): void {
    this.#closed = true;
    this.#entries.clear();
    this.#assembly = undefined;
    this.#wake();
  }

  /** What it has next. */
  next(): Next {
    if (this.#entries.length > 0) return "value";
    return this.#end === undefined ? "nothing" : "end";
  }

  /** Takes the next value, after {@linkcode next} has returned `"value"`. */
  take(): unknown {
    const head = this.#entries.first!;
    if (head.kind === "large") {
      this.#shift();
      this.#consume(head.assembly.release());
      return head.assembly.value();
    }
    const start = head.position + HEADER_BYTES;
    const end = start + readLength(head.bytes, head.position);
    head.position = end;
    if (end === head.end) this.#shift();
    const value = decode(head.bytes, start, end);
    this.#consume(HEADER_BYTES + end - start);
    return value;
  }

  /** How many whole values it holds, and their size as they came. */
  unread(): { values: number; bytes: number } {
    let [values, bytes] = [0, 0];
    for (const entry of this.#entries) {
      if (entry.kind === "large") {
        values++;
        bytes += entry.assembly.length;
        continue;
      }
      for (let at = entry.position; at < entry.end; values++) {
        at += HEADER_BYTES + readLength(entry.bytes, at);
      }
      bytes += entry.end - entry.position;
    }
    return { values, bytes };
  }

  /** Queues a waiter for the next item; returns a function that removes it. */
  wait(waiter: Waiter): () => void {
    this.#waiters.push(waiter);
    return () => void this.#waiters.remove(waiter);
  }

  /**
   * A `value` frame arrived, in `bytes` from its header at `start` to `end`. Returns whether the bytes are
   * kept.
   */
  value(bytes: Bytes, start: number, end: number): boolean {
    if (this.#assembly !== undefined) throw new ProtocolError("a value inside another value");
    this.#arrived(end - start);
    const last = this.#entries.last;
    let run: Run;
    if (
      last !== undefined && last.kind === "run" && last.bytes === bytes && last.end === start
    ) {
      run = last;
      run.end = end;
    } else {
      run = { kind: "run", bytes, position: start, end };
      this.#entries.push(run);
    }
    if (this.#waiters.length > 0) this.#wake();
    return run.position < run.end;
  }

  /** The first piece of a value arrives; it may have begun earlier, on another connection. */
  begin(layout: Layout): void {
    if (this.#assembly?.begins(layout)) return;
    if (this.#assembly !== undefined) throw new ProtocolError("a value inside another value");
    if (!this.#accepted && layout.length > FIRST_WINDOW_BYTES) {
      throw new ProtocolError(`a value of ${layout.length} bytes, for which there is no Receiver`);
    }
    this.#assembly = new Assembly(layout);
  }

  /** The target of the next piece, from its byte `filled` on: see {@linkcode FrameHandler}. */
  pieceTarget(filled: number, left: number): Bytes {
    if (this.#assembly === undefined) throw new ProtocolError("a piece without a value");
    return this.#assembly.target(filled, left);
  }

  /** The first `filled` bytes of a piece have been stored; if it is `whole`, all. */
  piece(filled: number, whole: boolean): void {
    const assembly = this.#assembly!;
    this.#arrived(assembly.arrived(filled, whole));
    if (this.#entries.length === 0) this.#releaseAssembly();
    if (!assembly.whole) return;
    this.#assembly = undefined;
    this.#entries.push({ kind: "large", assembly });
    this.#wake();
  }

  /** The value of which pieces have arrived is cancelled. */
  cancel(): void {
    this.#dropAssembly();
  }

  /** The sender closed its end, or aborted it. */
  finish(end: ChannelEnd): void {
    this.#end = end;
    this.#dropAssembly();
    this.#wake();
  }

  /** Nothing more arrives: the waiters are told. */
  fail(): void {
    this.#failed = true;
    this.#dropAssembly();
    this.#wake();
  }

  #dropAssembly(): void {
    this.#releaseAssembly();
    this.#assembly = undefined;
  }

  /**
   * Gives credit for the received part of a value, so that the rest can be sent.
   *
   * A value larger than the window arrives only if its pieces are credited before it is read. While earlier
   * values are unread they are not: at most a window and one value are held.
   */
  #releaseAssembly(): void {
    if (this.#assembly !== undefined && this.#accepted) this.#consume(this.#assembly.release());
  }

  /** Removes the read entry. */
  #shift(): void {
    this.#entries.shift();
    if (this.#entries.length === 0) this.#releaseAssembly();
  }

  #arrived(count: number): void {
    this.#uncredited += count;
    const most = this.#accepted
      ? WINDOW_BYTES + MAX_PIECE_BYTES
      : FIRST_WINDOW_BYTES + FIRST_WINDOW_BYTES;
    if (this.#uncredited > most) {
      const window = this.#accepted ? WINDOW_BYTES : FIRST_WINDOW_BYTES;
      throw new ProtocolError(`${this.#uncredited} uncredited bytes; the window is ${window}`);
    }
  }

  #consume(count: number): void {
    this.#consumed += count;
    if (this.#consumed < CREDIT_BYTES || this.#failed || this.#closed) return;
    if (this.#end === undefined) this.#giveCredit(this, this.#consumed);
    this.#uncredited -= this.#consumed;
    this.#consumed = 0;
  }

  /** Calls the waiters, in order, as long as there is an item for them. */
  #wake(): void {
    while (this.#waiters.length > 0 && this.#hasNext()) this.#waiters.shift()!.wake();
  }

  #hasNext(): boolean {
    return this.#failed || this.#closed || this.next() !== "nothing";
  }
}
