/**
 * The receiving half of a pair of processes: the values of one channel after the other, held until
 * their receiver asks for them, and who waits for the next one.
 *
 * Values are held as the bytes that came, and decoded when they are asked for. Pure: it turns
 * arrivals into values, and readings into credit.
 */

import {
  HEADER_BYTES,
  type Layout,
  MAX_PIECE_BYTES,
  readLength,
  WINDOW_BYTES,
} from "../wire/frame.ts";
import { ProtocolError } from "../core/protocol_error.ts";
import { decode } from "../codec/value_decoder.ts";
import { Assembly } from "./assembly.ts";
import { Fifo } from "./fifo.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Consecutive `value` frames in one buffer, from `position` to `end`. */
interface Run {
  readonly kind: "run";
  readonly channel: number;
  readonly bytes: Bytes;
  position: number;
  end: number;
}

type Entry =
  | Run
  /** A value that came in pieces. */
  | {
    readonly kind: "large";
    readonly channel: number;
    readonly assembly: Assembly;
  }
  /** The end of `channel`, and of those after it up to `last`, which had no values. */
  | { readonly kind: "end"; readonly channel: number; last: number };

/** What a channel has next for its receiver. */
export type Next = "value" | "end" | "nothing";

/** What is called when a channel has something: a value, its end, or a failure. */
type Waiter = () => void;

/** Credit is given in portions of this size, not for each value. */
const CREDIT_BYTES = WINDOW_BYTES / 8;

export class ReceiveQueue {
  /** Called with the bytes that the sender may send again. */
  readonly #giveCredit: (count: number) => void;
  readonly #entries = new Fifo<Entry>();
  /** The channel that arrives now: how many have ended. */
  #arriving = 0;
  /** How many receivers have been made: the number of the newest is one less. */
  #opened = 0;
  /** Whether the newest receiver is open. */
  #open = false;
  /** A value that comes in pieces. */
  #assembly: Assembly | undefined;
  /** Bytes that are held, or not yet credited: at most a window and what one frame exceeds it by. */
  #uncredited = 0;
  /** Bytes that are no longer held, and not yet credited. */
  #consumed = 0;
  readonly #waiters = new Fifo<Waiter>();
  #failed = false;

  constructor(giveCredit: (count: number) => void) {
    this.#giveCredit = giveCredit;
  }

  /** Whether nothing is held for a receiver that is still to come. */
  get empty(): boolean {
    return this.#entries.length === 0;
  }

  /** Begins to receive the next channel; gives its number. */
  open(): number {
    this.#open = true;
    return this.#opened++;
  }

  /** Whether the end of a channel has come. */
  ended(channel: number): boolean {
    return this.#arriving > channel;
  }

  /** Ends the receiving of a channel, dropping what it holds. */
  close(channel: number): void {
    this.#open = false;
    const dropped = this.#entries.extract((entry) =>
      (entry.kind === "end" ? entry.last : entry.channel) <= channel
    );
    for (const entry of dropped) this.#consume(heldBytes(entry));
    // What has begun to come goes on coming, for nobody, until its sender hears of this; or, if it
    // is of the next channel, nothing is unread before it any more.
    if (!this.ended(channel) || this.#entries.length === 0) this.#releaseAssembly();
    this.#wake();
  }

  /** What a channel has next. */
  next(channel: number): Next {
    const head = this.#entries.first;
    if (head === undefined || head.channel > channel) return "nothing";
    return head.kind === "end" ? "end" : "value";
  }

  /** Takes the next value, which {@linkcode next} has said is there. */
  take(): unknown {
    const head = this.#entries.first!;
    if (head.kind === "large") {
      this.#shift();
      this.#consume(head.assembly.release());
      return head.assembly.value();
    }
    const run = head as Run;
    const start = run.position + HEADER_BYTES;
    const end = start + readLength(run.bytes, run.position);
    run.position = end;
    if (end === run.end) this.#shift();
    const value = decode(run.bytes, start, end);
    this.#consume(HEADER_BYTES + end - start);
    return value;
  }

  /** Stands in line for the next thing that comes; gives the way out of the line. */
  wait(waiter: Waiter): () => void {
    this.#waiters.push(waiter);
    return () => void this.#waiters.remove(waiter);
  }

  /**
   * A `value` frame came; it stands in `bytes` from its header at `start` to `end`. Tells whether
   * the queue keeps the bytes.
   */
  value(bytes: Bytes, start: number, end: number): boolean {
    if (this.#assembly !== undefined) throw new ProtocolError("a value within another one");
    const size = end - start;
    this.#arrived(size);
    if (this.#dropsArriving()) {
      this.#consume(size);
      return false;
    }
    const last = this.#entries.last;
    let run: Run;
    if (
      last !== undefined && last.kind === "run" && last.bytes === bytes && last.end === start &&
      last.channel === this.#arriving
    ) {
      run = last;
      run.end = end;
    } else {
      run = { kind: "run", channel: this.#arriving, bytes, position: start, end };
      this.#entries.push(run);
    }
    if (this.#waiters.length > 0) this.#wake();
    return run.position < run.end;
  }

  /** The first piece of a value comes; it may have begun to before, on another connection. */
  begin(layout: Layout): void {
    if (this.#assembly?.begins(layout)) return;
    if (this.#assembly !== undefined) throw new ProtocolError("a value within another one");
    this.#assembly = new Assembly(layout);
  }

  /** Where the next piece belongs, from its byte `filled` on: see {@linkcode FrameHandler}. */
  pieceTarget(filled: number, left: number): Bytes {
    if (this.#assembly === undefined) throw new ProtocolError("a piece of no value");
    return this.#assembly.target(filled, left);
  }

  /** The first `filled` bytes of a piece are in their place, and if it is `whole`, all. */
  piece(filled: number, whole: boolean): void {
    const assembly = this.#assembly!;
    const dropped = this.#dropsArriving();
    this.#arrived(assembly.arrived(filled, whole));
    if (dropped || this.#entries.length === 0) this.#releaseAssembly();
    if (!assembly.whole) return;
    this.#assembly = undefined;
    if (dropped) return;
    this.#entries.push({ kind: "large", channel: this.#arriving, assembly });
    this.#wake();
  }

  /** The value of which pieces have come is not coming. */
  cancel(): void {
    this.#dropAssembly();
  }

  /** The sender closed its end. */
  end(): void {
    this.#dropAssembly();
    // A channel whose receiver is closed, or will be the next to open, keeps its end in mind.
    if (!this.#dropsArriving()) {
      const last = this.#entries.last;
      // One entry for many: there is no window for channels that are opened and closed again.
      if (last?.kind === "end") last.last = this.#arriving;
      else this.#entries.push({ kind: "end", channel: this.#arriving, last: this.#arriving });
    }
    this.#arriving++;
    this.#wake();
  }

  /** Nothing comes any more, for ever: those who wait are told. */
  fail(): void {
    this.#failed = true;
    this.#dropAssembly();
    this.#wake();
  }

  /** Whether what arrives now is for a receiver that has closed its end. */
  #dropsArriving(): boolean {
    const newest = this.#opened - 1;
    return this.#arriving < newest || (this.#arriving === newest && !this.#open);
  }

  #dropAssembly(): void {
    this.#releaseAssembly();
    this.#assembly = undefined;
  }

  /**
   * Gives credit for what has come of a value, so that the rest can come.
   *
   * A value larger than the window arrives only if its pieces do not wait for its reader. While
   * other values are unread they do: no more is held than a window and one value.
   */
  #releaseAssembly(): void {
    if (this.#assembly !== undefined) this.#consume(this.#assembly.release());
  }

  /** Removes the entry that has been read. */
  #shift(): void {
    this.#entries.shift();
    if (this.#entries.length === 0) this.#releaseAssembly();
  }

  #arrived(count: number): void {
    this.#uncredited += count;
    if (this.#uncredited > WINDOW_BYTES + MAX_PIECE_BYTES) {
      throw new ProtocolError(`${this.#uncredited} bytes, where the window is ${WINDOW_BYTES}`);
    }
  }

  #consume(count: number): void {
    this.#consumed += count;
    if (this.#consumed < CREDIT_BYTES || this.#failed) return;
    this.#giveCredit(this.#consumed);
    this.#uncredited -= this.#consumed;
    this.#consumed = 0;
  }

  /** Calls those who wait, in their order, for as long as there is something for them. */
  #wake(): void {
    while (this.#waiters.length > 0 && this.#hasNext()) this.#waiters.shift()!();
  }

  #hasNext(): boolean {
    return this.#failed || !this.#open || this.next(this.#opened - 1) !== "nothing";
  }
}

function heldBytes(entry: Entry): number {
  if (entry.kind === "end") return 0;
  if (entry.kind === "large") return entry.assembly.release();
  return entry.end - entry.position;
}
