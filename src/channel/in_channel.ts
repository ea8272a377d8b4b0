/**
 * The receiving half of one channel: its values, held until their receiver asks for them, and who waits
 * for the next one.
 *
 * Values are held as the bytes that came, and decoded when they are asked for. Pure: it turns
 * arrivals into values, and readings into credit.
 */

import { HEADER_BYTES, type Layout, MAX_PIECE_BYTES, readLength } from "../wire/frame.ts";
import { CREDIT_BYTES, FIRST_WINDOW_BYTES, WINDOW_BYTES } from "../wire/window.ts";
import { ProtocolError } from "../core/protocol_error.ts";
import { decode } from "../codec/value_decoder.ts";
import { Assembly } from "./assembly.ts";
import type { Arrivals } from "./discard.ts";
import { Fifo } from "./fifo.ts";
import type { Waiter } from "./waiter.ts";

type Bytes = Uint8Array<ArrayBuffer>;

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

/** What a channel has next for its receiver. */
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
  /** Bytes that are held, or not yet credited: at most a window and what one frame exceeds it by. */
  #uncredited = 0;
  /** Bytes that are no longer held, and not yet credited. */
  #consumed = 0;
  readonly #waiters = new Fifo<Waiter>();
  #end: ChannelEnd | undefined;
  #failed = false;

  /**
   * @param number Its number, or `undefined` for a channel that has a Receiver and has yet to come.
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

  /** Its number; `undefined` if it has not come yet. */
  get number(): number | undefined {
    return this.#number;
  }

  /** How the sender ended it, if it has. */
  get end(): ChannelEnd | undefined {
    return this.#end;
  }

  /** Those who wait for something of it, in the order in which they are served. */
  get waiters(): Iterable<Waiter> {
    return this.#waiters;
  }

  /** It has come, and has this number. */
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

  /** Takes the next value, which {@linkcode next} has said is there. */
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

  /** Stands in line for the next thing that comes; gives the way out of the line. */
  wait(waiter: Waiter): () => void {
    this.#waiters.push(waiter);
    return () => void this.#waiters.remove(waiter);
  }

  /**
   * A `value` frame came; it stands in `bytes` from its header at `start` to `end`. Tells whether
   * the bytes are kept.
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

  /** The first piece of a value comes; it may have begun to before, on another connection. */
  begin(layout: Layout): void {
    if (this.#assembly?.begins(layout)) return;
    if (this.#assembly !== undefined) throw new ProtocolError("a value inside another value");
    if (!this.#accepted && layout.length > FIRST_WINDOW_BYTES) {
      throw new ProtocolError(`a value of ${layout.length} bytes, for which there is no Receiver`);
    }
    this.#assembly = new Assembly(layout);
  }

  /** Where the next piece belongs, from its byte `filled` on: see {@linkcode FrameHandler}. */
  pieceTarget(filled: number, left: number): Bytes {
    if (this.#assembly === undefined) throw new ProtocolError("a piece without a value");
    return this.#assembly.target(filled, left);
  }

  /** The first `filled` bytes of a piece are in their place, and if it is `whole`, all. */
  piece(filled: number, whole: boolean): void {
    const assembly = this.#assembly!;
    this.#arrived(assembly.arrived(filled, whole));
    if (this.#entries.length === 0) this.#releaseAssembly();
    if (!assembly.whole) return;
    this.#assembly = undefined;
    this.#entries.push({ kind: "large", assembly });
    this.#wake();
  }

  /** The value of which pieces have come is not coming. */
  cancel(): void {
    this.#dropAssembly();
  }

  /** The sender closed its end, or aborted it. */
  finish(end: ChannelEnd): void {
    this.#end = end;
    this.#dropAssembly();
    this.#wake();
  }

  /** Nothing comes any more: those who wait are told. */
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
   * Gives credit for what has come of a value, so that the rest can come.
   *
   * A value larger than the window arrives only if its pieces do not wait for its reader. While
   * other values are unread they do: no more is held than a window and one value.
   */
  #releaseAssembly(): void {
    if (this.#assembly !== undefined && this.#accepted) this.#consume(this.#assembly.release());
  }

  /** Removes the entry that has been read. */
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

  /** Calls those who wait, in their order, for as long as there is something for them. */
  #wake(): void {
    while (this.#waiters.length > 0 && this.#hasNext()) this.#waiters.shift()!.wake();
  }

  #hasNext(): boolean {
    return this.#failed || this.#closed || this.next() !== "nothing";
  }
}
