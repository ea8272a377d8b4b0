/**
 * The sending half of one channel: its values, taken into the window while there is room, and queued
 * otherwise.
 *
 * Pure: it turns sends, credits and stops into frames in an outbox and into settled promises.
 */

import { callSite, errorAt, type Operation } from "../core/errors.ts";
import { FrameType, HEADER_BYTES } from "../wire/frame.ts";
import { type BlobHole, fillHoles } from "../codec/value_buffers.ts";
import { appendPiece, appendValue, encodeLarge, goesInPieces } from "./large_value.ts";
import type { LeftEntries } from "./left_entries.ts";
import type { SavedChannel } from "./saved_peer.ts";
import type { StoredChannel } from "./stored_peer.ts";
import type { SendContext } from "./send_context.ts";
import type { Entry, OfferEntry, Place, ValueEntry, Waiting } from "./send_line.ts";
import { SendLine, SendWindow, valueEntry } from "./send_line.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A promise that most sends share: settled, and holding nothing. */
const TAKEN: Promise<void> = Promise.resolve();

export class OutChannel {
  /** Its number, which it has once it is open: see {@linkcode open}. */
  number = -1;
  readonly name: string;
  readonly #context: SendContext<OutChannel>;
  readonly #window = new SendWindow();
  readonly #line: SendLine;
  /** What a process that has ended had in line, as far as it is not in the line of this channel yet. */
  #left: LeftEntries | undefined;
  /** Whether the first entry, a `select`, is sending right now. */
  #offering = false;
  /** Whether it waits for a turn. */
  #ready = false;
  /** Whether an acknowledgement was requested, which also reports a Receiver. */
  #asked = false;
  #over = false;
  /** Makes the error that says why nothing more can be sent. */
  #failure: (() => Error) | undefined;

  constructor(context: SendContext<OutChannel>, name: string) {
    this.#context = context;
    this.#line = new SendLine(context.hold, context.lined);
    this.name = name;
  }

  /** The other process has been told of it, or is about to be: what stands in line may go. */
  open(number: number): void {
    this.number = number;
    this.#window.open();
    this.#advance();
  }

  /** Why nothing can be sent, or `undefined` if sending is possible. */
  failure(): Error | undefined {
    return this.#failure?.();
  }

  /** Whether a value can be taken now: the window has room, and the queue is empty. */
  get room(): boolean {
    return (this.#line.length === 0 || this.#offering) && this.#window.room;
  }

  /** Whether nothing can be sent until the other process has read more. */
  get full(): boolean {
    return this.number >= 0 && !this.#over && this.#failure === undefined && !this.#window.room;
  }

  /**
   * Copies a value, and takes it into the window or queues it.
   *
   * @param onPlace Called with the place of a queued value.
   * @param operation What the program called, for the stack of the error if the value is in line then.
   * @throws {TypeError} If the value cannot be sent.
   */
  send(
    value: unknown,
    onPlace?: (place: Place) => void,
    operation: Operation = OutChannel.prototype.send,
  ): Promise<void> {
    const entry = this.#take(value);
    if (entry === undefined) return TAKEN;
    const site = callSite(operation);
    const taken = this.#line.wait(entry, (error) => errorAt(site, error));
    onPlace?.({ leave: () => this.#leave(entry) });
    return taken;
  }

  /**
   * Sends a value without a waiter, when there is {@linkcode room}. One that is larger than the window
   * begins to be sent now, and fails if the channel does.
   *
   * @throws {TypeError} If the value cannot be sent.
   */
  put(value: unknown): void {
    this.#take(value);
  }

  /** Takes a value into the window, or queues it and returns the entry. */
  #take(value: unknown): ValueEntry | undefined {
    let large;
    if (this.room) {
      const { outbox } = this.#context;
      outbox.select(this.number);
      large = appendValue(outbox, value);
      if (typeof large === "number") {
        this.#window.take(large);
        this.#context.written();
        return undefined;
      }
    } else {
      large = encodeLarge(value);
    }
    const { bytes: rest, layout, missing } = large;
    const entry = valueEntry(rest, layout, { begun: false, incomplete: missing.length > 0 });
    if (entry.incomplete) void this.#complete(entry, missing);
    if (this.#offering) {
      this.#line.unshift(entry); // the loop that takes the offers goes on with it
      return entry;
    }
    this.#line.push(entry);
    if (this.#line.length === 1) this.#advance();
    return this.#line.length === 0 ? undefined : entry;
  }

  /** Reads the blobs of a queued value, which can be sent then. */
  async #complete(entry: ValueEntry, missing: readonly BlobHole[]): Promise<void> {
    try {
      await fillHoles(entry.rest, missing);
      entry.incomplete = false;
    } catch (error) {
      this.#line.fail(entry, error);
    } finally {
      this.#advance();
    }
  }

  /** Queues an offer; at its turn, when there is room, `take` is called, and may send. */
  offer(take: () => void): Place {
    const entry: Entry = { kind: "offer", take };
    this.#line.push(entry);
    return { leave: () => this.#leave(entry) };
  }

  /**
   * Ends the channel, after all queued values; its offers are told at once. Resolves when the end is in the
   * outbox, or when nothing more can be sent.
   *
   * @param held Whether to write it only once {@linkcode release} is called.
   */
  end(held = false): Promise<void> {
    if (this.#over) return TAKEN;
    const offers = this.#line.takeOffers();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#line.push({ kind: "end", held, settle: resolve });
    for (const offer of offers) offer.take();
    this.#advance();
    return promise;
  }

  /** Writes an end that was held back, when it is its turn. */
  release(): void {
    const end = this.#line.heldEnd;
    if (end === undefined) return;
    end.held = false;
    this.#advance();
  }

  /** Drops an end that was held back: its process fails. */
  drop(): void {
    const end = this.#line.heldEnd;
    if (end !== undefined) this.#line.leave(end);
  }

  /**
   * Ends the channel at once; queued values are rejected.
   *
   * @param reason The reason, encoded; it fits into one frame.
   * @param error Makes the error for queued and future values.
   */
  abort(reason: Bytes, error: () => Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#failure ??= error;
    if (this.number >= 0) {
      this.#cancel();
      this.#append(FrameType.abort, reason);
      this.#context.written();
    }
    this.#line.reject(error, false);
    this.#context.over(this);
  }

  /**
   * The receiver no longer holds this many bytes.
   *
   * @throws {ProtocolError} If it never held that many.
   */
  credit(count: number): void {
    this.#window.credit(count, this.number);
    this.#advance();
  }

  /**
   * There is a Receiver: the window is the full one from now on.
   *
   * @throws {ProtocolError} If this was known.
   */
  accept(): void {
    this.#window.accept(this.number);
    this.#advance();
  }

  /**
   * The other process accepts nothing more: queued values are rejected, but the end is kept.
   *
   * @param error Makes the error that they get.
   */
  stop(error: () => Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#cancel();
    this.#line.reject(error, true);
    this.#left?.skipValues();
    this.#context.written();
    this.#advance();
  }

  /** Nothing more can be sent, not even an end. */
  fail(error: () => Error): void {
    this.#over = true;
    this.#failure ??= error;
    this.#line.reject(error, false);
    if (this.#left !== undefined) this.#endLeft();
  }

  /**
   * Puts a piece of the first value into the outbox, which has no other unwritten piece, and whatever there
   * is room for after it.
   */
  turn(): void {
    const { outbox } = this.#context;
    this.#ready = false;
    const entry = this.#line.first;
    if (
      entry?.kind === "value" && goesInPieces(entry) &&
      this.#window.mayHold(entry.layout.length)
    ) {
      outbox.select(this.number);
      this.#window.take(appendPiece(outbox, entry));
      if (entry.rest.length === 0) {
        outbox.count();
        this.#line.done();
      }
    }
    this.#advance();
  }

  /** The queued entries, or `undefined` if there are none. */
  waiting(): Waiting | undefined {
    if (this.#line.length === 0) return undefined;
    const { inFlight, size } = this.#window;
    return { ...this.#line.lineUp(), inFlight, window: size };
  }

  /** Its state for a will; `undefined` if nothing that was taken is queued. */
  save(): SavedChannel | undefined {
    const entries = this.#line.save();
    if (entries.length === 0) return undefined;
    const { inFlight, accepted } = this.#window;
    return { number: this.number, inFlight, accepted, entries };
  }

  /**
   * Puts what {@linkcode save} gave, and was stored, into a channel that was not used before. An entry is read when
   * the window has room for it.
   */
  restore({ number, inFlight, accepted, left }: StoredChannel): void {
    this.number = number;
    this.#window.restore(inFlight, accepted);
    this.#left = left;
    this.#context.lined(1);
    this.#advance();
  }

  /** The first entry of the line, or else of those that are left, if there is room for it. */
  #next(): Entry | undefined {
    const first = this.#line.first;
    if (first !== undefined || this.#left === undefined) return first;
    const left = this.#left.take(this.#window.room);
    if (left === undefined) return this.#endLeft();
    if (left === "no room") return this.#ask();
    this.#line.push(left);
    return left;
  }

  #endLeft(): undefined {
    this.#left = undefined;
    this.#context.lined(-1);
  }

  #leave(entry: Entry): boolean {
    const isBegun = entry === this.#line.first && entry.kind === "value" && entry.begun;
    if (!this.#line.leave(entry)) return false;
    if (isBegun) {
      this.#append(FrameType.cancel);
      this.#context.written();
    }
    // A select that takes its one offer leaves with the others, and is to send before anyone else.
    if (!this.#offering) this.#advance();
    return true;
  }

  /**
   * If pieces of a value were sent, tells the receiver that the rest is not coming. Nothing may be
   * written before that value has left the line, or its next piece would be.
   */
  #cancel(): void {
    const first = this.#line.first;
    if (first?.kind === "value" && first.begun) this.#append(FrameType.cancel);
  }

  #append(type: FrameType, ...payload: readonly Bytes[]): void {
    const { outbox } = this.#context;
    outbox.select(this.number);
    outbox.append(type, ...payload);
  }

  /** Takes queued entries while there is room, up to a value that needs turns. */
  #advance(): void {
    const { outbox } = this.#context;
    if (this.number < 0) {
      if (this.#line.length > 0) this.#context.admit(this);
      return;
    }
    const before = outbox.end;
    for (let entry = this.#next(); entry !== undefined; entry = this.#next()) {
      if (entry.kind === "end") {
        if (entry.held) break;
        this.#over = true;
        this.#append(FrameType.end);
        this.#context.over(this);
        this.#line.done();
        continue;
      }
      if (!this.#window.room) {
        this.#ask();
        break;
      }
      if (entry.kind === "offer") {
        this.#takeOffer(entry);
        continue;
      }
      if (entry.incomplete) break;
      if (goesInPieces(entry)) {
        this.#getReady(entry);
        break;
      }
      this.#append(FrameType.value, entry.rest);
      outbox.count();
      this.#window.take(HEADER_BYTES + entry.rest.length);
      this.#line.done();
    }
    if (outbox.end > before) this.#context.written();
  }

  /** It is a `select`'s turn to send. */
  #takeOffer(offer: OfferEntry): void {
    this.#line.done();
    this.#offering = true;
    try {
      offer.take();
    } finally {
      this.#offering = false;
    }
  }

  /** Requests a turn for a piece of the first value. */
  #getReady(entry: ValueEntry): void {
    if (this.#ready) return;
    if (!this.#window.mayHold(entry.layout.length)) return this.#ask();
    this.#ready = true;
    this.#context.ready(this);
    this.#context.written();
  }

  /** Asks for an early report of a Receiver, which would otherwise not be sent. */
  #ask(): undefined {
    if (this.#asked || this.#window.accepted) return;
    this.#asked = true;
    this.#context.outbox.append(FrameType.ask);
  }
}
