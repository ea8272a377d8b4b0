/**
 * The sending half of one channel: its values, taken into the window while there is room, and in line
 * while there is none.
 *
 * Pure: it turns sends, credits and stops into frames in an outbox and into settled promises.
 */

import { callSite, errorAt, type Operation } from "../core/errors.ts";
import {
  FIRST_WINDOW_BYTES,
  FrameType,
  HEADER_BYTES,
  type Layout,
  LAYOUT_BYTES,
  MAX_PIECE_BYTES,
  MAX_VALUE_BYTES,
  WINDOW_BYTES,
} from "../wire/frame.ts";
import { ProtocolError } from "../core/protocol_error.ts";
import { encodeInto } from "../codec/value_encoder.ts";
import { Fifo } from "./fifo.ts";
import type { Hold } from "./hold.ts";
import { giveSpare } from "./large_buffers.ts";
import { copyLarge, encodeLarge, firstFrame, restoreLarge } from "./large_value.ts";
import type { Outbox } from "./outbox.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What a channel shares with the others to the same peer. */
export interface SendContext {
  readonly outbox: Outbox;
  readonly hold: Hold;
  /** There is something to write. */
  written(): void;
  /** A piece of the channel's first value may go: it is to have its turn. */
  ready(channel: OutChannel): void;
  /** So many more values and ends stand in line, or fewer. */
  lined(change: number): void;
  /** Nothing follows on the channel. */
  over(channel: OutChannel): void;
}

interface ValueEntry {
  readonly kind: "value";
  /** The encoded value, with room for a header before it; or what is left of it. */
  rest: Bytes;
  readonly layout: Layout;
  begun: boolean;
  settle: { resolve: () => void; reject: (error: Error) => void } | undefined;
}

interface EndEntry {
  readonly kind: "end";
  /** It is not to be written yet: see {@linkcode OutChannel.end}. */
  held: boolean;
  readonly settle: (() => void) | undefined;
}

/** Something that waits for room in the window, in the order in which it came. */
type Entry =
  | ValueEntry
  | EndEntry
  /** A `select` that sends, if room comes before anything else of it: it calls `take`. */
  | { readonly kind: "offer"; readonly take: () => void };

/** A place in the line that can be given up. */
export interface Place {
  /** Gives the place up: what stands there is not sent. Tells whether it was still in line. */
  leave(): boolean;
}

/** What waits in the line of a channel: see {@linkcode OutChannel.lineUp}. */
export interface Line {
  readonly sends: number;
  readonly selects: number;
  /** Bytes that are on their way, or unread. */
  readonly inFlight: number;
  /** Bytes of values that stand in line. */
  readonly bytes: number;
  readonly window: number;
}

/** A channel in which something stands in line: what a will says of it. */
export interface SavedChannel {
  readonly number: number;
  readonly inFlight: number;
  /** Whether there is a Receiver for it. */
  readonly accepted: boolean;
  readonly entries: readonly SavedEntry[];
}

/** A value that stands in line, or what is left of it; or, if `rest` is `null`, the channel's end. */
export interface SavedEntry {
  readonly rest: Bytes | null;
  readonly begun: boolean;
}

/** A promise that most sends share: settled, and holding nothing. */
const TAKEN: Promise<void> = Promise.resolve();

export class OutChannel {
  readonly number: number;
  readonly name: string;
  readonly #context: SendContext;
  /** Bytes of the window that the receiver has not given credit for. */
  #inFlight = 0;
  #window = FIRST_WINDOW_BYTES;
  readonly #line = new Fifo<Entry>();
  /** Whether whoever stands first in line is sending just now. */
  #offering = false;
  /** Whether it is to have a turn. */
  #ready = false;
  /** Whether an acknowledgement was asked for, which brings the news that there is a Receiver. */
  #asked = false;
  #over = false;
  /** Makes the error that says why nothing can be sent any more. */
  #failure: (() => Error) | undefined;

  constructor(context: SendContext, number: number, name: string) {
    this.#context = context;
    this.number = number;
    this.name = name;
  }

  /** Why nothing can be sent, or `undefined` if something can be. */
  failure(): Error | undefined {
    return this.#failure?.();
  }

  /** Whether a value can be taken now: the window has room, and nobody stands in line before it. */
  get room(): boolean {
    return (this.#line.length === 0 || this.#offering) && this.#inFlight < this.#window;
  }

  /**
   * Copies a value, and takes it into the window or puts it in line.
   *
   * @param onPlace Is given the place of a value that has to wait.
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
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const site = callSite(operation);
    entry.settle = { resolve, reject: (error) => reject(errorAt(site, error)) };
    this.#context.hold.acquire();
    onPlace?.({ leave: () => this.#leave(entry) });
    return promise;
  }

  /**
   * Sends a value for which nobody waits, as there is {@linkcode room}. One that is larger than the
   * window goes on its way now, and fails with the channel if it does.
   *
   * @throws {TypeError} If the value cannot be sent.
   */
  put(value: unknown): void {
    this.#take(value);
  }

  /** Takes a value into the window, and gives nothing; or puts it in line, and gives what stands there. */
  #take(value: unknown): ValueEntry | undefined {
    const { outbox } = this.#context;
    let large;
    if (this.room) {
      outbox.select(this.number);
      const before = outbox.end;
      let { bytes, position } = outbox.reserve(false);
      let end = encodeInto(value, bytes, position);
      if (end < 0 && bytes.length - position < MAX_VALUE_BYTES) {
        ({ bytes, position } = outbox.reserve(true));
        end = encodeInto(value, bytes, position);
      }
      // A getter of the value's may have sent something, which now stands where this one was put.
      if (outbox.end !== before) end = -1;
      if (end >= 0 && end - position <= MAX_VALUE_BYTES) {
        this.#inFlight += HEADER_BYTES + end - position;
        outbox.commit(end);
        this.#context.written();
        return undefined;
      }
      large = end >= 0 ? copyLarge(bytes.subarray(position, end)) : encodeLarge(value);
    } else {
      large = encodeLarge(value);
    }
    const { bytes: rest, layout } = large;
    const entry: ValueEntry = { kind: "value", rest, layout, begun: false, settle: undefined };
    this.#context.lined(1);
    if (this.#offering) {
      this.#line.unshift(entry); // and whoever takes the offers goes on with it
      return entry;
    }
    this.#line.push(entry);
    if (this.#line.length === 1) this.#advance();
    return this.#line.length === 0 ? undefined : entry;
  }

  /** Stands in line; when it is its turn and there is room, `take` is called, and may send. */
  offer(take: () => void): Place {
    const entry: Entry = { kind: "offer", take };
    this.#line.push(entry);
    return { leave: () => this.#leave(entry) };
  }

  /**
   * Ends the channel, after all the values that stand in line; its offers are told at once. Resolves
   * when the end is in the outbox, or when nothing can be sent any more.
   *
   * @param held Whether to write it only once {@linkcode release} is called.
   */
  end(held = false): Promise<void> {
    if (this.#over) return TAKEN;
    const offers = this.#line.extract((entry) => entry.kind === "offer");
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#line.push({ kind: "end", held, settle: resolve });
    this.#context.lined(1);
    for (const offer of offers) if (offer.kind === "offer") offer.take();
    this.#advance();
    return promise;
  }

  /** Writes an end that was held back, when it is its turn. */
  release(): void {
    const last = this.#line.last;
    if (last?.kind !== "end" || !last.held) return;
    last.held = false;
    this.#advance();
  }

  /** Forgets an end that was held back: its process fails. */
  drop(): void {
    const last = this.#line.last;
    if (last?.kind !== "end" || !last.held) return;
    this.#line.remove(last);
    this.#context.lined(-1);
  }

  /**
   * Ends the channel at once, in place of what stands in line, which is rejected.
   *
   * @param reason The reason, encoded; it fits into one frame.
   * @param error Makes the error for what stands in line, and for what is sent from now on.
   */
  abort(reason: Bytes, error: () => Error): void {
    if (this.#over) return;
    this.#over = true;
    const { outbox } = this.#context;
    const first = this.#line.first;
    outbox.select(this.number);
    if (first?.kind === "value" && first.begun) outbox.append(FrameType.cancel);
    outbox.append(FrameType.abort, reason);
    this.#failAll(error);
    this.#context.written();
    this.#context.over(this);
  }

  /**
   * The receiver no longer holds so many bytes.
   *
   * @throws {ProtocolError} If it never held that many.
   */
  credit(count: number): void {
    if (count > this.#inFlight) {
      throw new ProtocolError(
        `a credit of ${count} bytes for channel ${this.number}, where ${this.#inFlight} are out`,
      );
    }
    this.#inFlight -= count;
    this.#advance();
  }

  /**
   * There is a Receiver: the window is the full one from now on.
   *
   * @throws {ProtocolError} If this was known.
   */
  accept(): void {
    if (this.#window === WINDOW_BYTES) {
      throw new ProtocolError(`channel ${this.number} was accepted twice`);
    }
    this.#window = WINDOW_BYTES;
    this.#advance();
  }

  /**
   * The other process takes nothing any more: what stands in line is rejected, but for the end.
   *
   * @param error Makes the error that they get.
   */
  stop(error: () => Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    const gone = this.#line.extract((entry) => entry.kind !== "end");
    for (const entry of gone) {
      if (entry.kind === "value" && entry.begun) this.#cancel();
      this.#reject(entry, error);
    }
    this.#advance();
  }

  /** Nothing can be sent any more, for ever, not even an end. */
  fail(error: () => Error): void {
    this.#over = true;
    this.#failAll(error);
  }

  #failAll(error: () => Error): void {
    this.#failure ??= error;
    for (const entry of this.#line.drain()) this.#reject(entry, error);
  }

  /**
   * Puts a piece of the value that stands first into the outbox, which has nothing else of a large
   * value to write, and whatever there is room for after it.
   */
  turn(): void {
    this.#ready = false;
    const entry = this.#line.first;
    if (entry?.kind === "value" && this.#goesInPieces(entry) && this.#mayBegin(entry)) {
      this.#sendPiece(entry);
      if (entry.rest.length === 0) {
        this.#line.shift();
        this.#sent(entry);
      }
    }
    this.#advance();
  }

  /** What stands in line, or `undefined` if nothing does. */
  lineUp(): Line | undefined {
    if (this.#line.length === 0) return undefined;
    let [sends, selects, bytes] = [0, 0, 0];
    for (const entry of this.#line) {
      if (entry.kind === "offer") selects++;
      if (entry.kind !== "value") continue;
      bytes += entry.rest.length;
      if (entry.settle !== undefined) sends++;
    }
    return { sends, selects, inFlight: this.#inFlight, bytes, window: this.#window };
  }

  /**
   * What stands in line, for a will. Offers are left out, which were never taken, and so is an end that
   * is held back. `undefined` if that leaves nothing.
   */
  save(): SavedChannel | undefined {
    const entries: SavedEntry[] = [];
    for (const entry of this.#line) {
      // A copy: what is left of a value is encoded with all of the buffer that it is a part of.
      if (entry.kind === "value") entries.push({ rest: entry.rest.slice(), begun: entry.begun });
      else if (entry.kind === "end" && !entry.held) entries.push({ rest: null, begun: false });
    }
    if (entries.length === 0) return undefined;
    const accepted = this.#window === WINDOW_BYTES;
    return { number: this.number, inFlight: this.#inFlight, accepted, entries };
  }

  /** Puts what {@linkcode save} gave into a channel that was not used before. */
  restore({ inFlight, accepted, entries }: SavedChannel): void {
    this.#inFlight = inFlight;
    if (accepted) this.#window = WINDOW_BYTES;
    for (const { rest, begun } of entries) {
      if (rest === null) {
        this.#line.push({ kind: "end", held: false, settle: undefined });
      } else {
        const { bytes, layout } = restoreLarge(rest);
        this.#line.push({ kind: "value", rest: bytes, layout, begun, settle: undefined });
      }
    }
    this.#context.lined(entries.length);
    this.#advance();
  }

  #reject(entry: Entry, error: () => Error): void {
    if (entry.kind === "offer") return entry.take();
    this.#context.lined(-1);
    if (entry.settle === undefined) return;
    if (entry.kind === "end") return entry.settle();
    this.#context.hold.release();
    entry.settle.reject(error());
  }

  #leave(entry: Entry): boolean {
    if (!this.#line.remove(entry)) return false;
    if (entry.kind === "value") {
      this.#context.lined(-1);
      if (entry.begun) this.#cancel();
      if (entry.settle !== undefined) this.#context.hold.release();
    }
    // A select that takes its one offer leaves with the others, and is to send before anyone else.
    if (!this.#offering) this.#advance();
    return true;
  }

  /** Tells the receiver that the value of which pieces were sent is not coming. */
  #cancel(): void {
    const { outbox } = this.#context;
    outbox.select(this.number);
    outbox.append(FrameType.cancel);
    this.#context.written();
  }

  /** Takes from the line whatever there is room for, up to a value that needs turns. */
  #advance(): void {
    const { outbox } = this.#context;
    const before = outbox.end;
    let ready = false;
    for (let entry = this.#line.first; entry !== undefined; entry = this.#line.first) {
      if (entry.kind === "end") {
        if (entry.held) break;
        this.#over = true;
        outbox.select(this.number);
        outbox.append(FrameType.end);
      } else if (this.#inFlight >= this.#window) {
        this.#ask();
        break;
      } else if (entry.kind === "value") {
        if (this.#goesInPieces(entry)) {
          ready = this.#mayBegin(entry);
          if (!ready) this.#ask();
          break;
        }
        outbox.select(this.number);
        outbox.append(FrameType.value, entry.rest);
        this.#inFlight += HEADER_BYTES + entry.rest.length;
      }
      this.#line.shift();
      this.#sent(entry);
    }
    if (ready && !this.#ready) {
      this.#ready = true;
      this.#context.ready(this);
    } else {
      ready = false;
    }
    if (ready || outbox.end > before) this.#context.written();
  }

  /** An entry has left the line as it should. */
  #sent(entry: Entry): void {
    if (entry.kind === "offer") {
      this.#offering = true;
      try {
        entry.take();
      } finally {
        this.#offering = false;
      }
      return;
    }
    this.#context.lined(-1);
    if (entry.kind === "end") {
      this.#context.over(this);
      entry.settle?.();
    } else if (entry.settle !== undefined) {
      this.#context.hold.release();
      entry.settle.resolve();
    }
  }

  /** Asks to be told soon if there is a Receiver, which need not be told otherwise. */
  #ask(): void {
    if (this.#asked || this.#window === WINDOW_BYTES) return;
    this.#asked = true;
    this.#context.outbox.append(FrameType.ask);
  }

  #goesInPieces(entry: ValueEntry): boolean {
    return entry.begun || entry.rest.length > MAX_VALUE_BYTES;
  }

  /** Whether a piece of the value may be sent: it is not made room for before there is a Receiver. */
  #mayBegin(entry: ValueEntry): boolean {
    if (this.#inFlight >= this.#window) return false;
    return this.#window === WINDOW_BYTES || entry.layout.length <= FIRST_WINDOW_BYTES;
  }

  #sendPiece(entry: ValueEntry): void {
    const { outbox } = this.#context;
    const { length } = entry.rest;
    const size = Math.min(length, MAX_PIECE_BYTES - LAYOUT_BYTES);
    const piece = entry.rest.subarray(0, size);
    const release = size === length ? () => giveSpare(piece) : undefined;
    outbox.select(this.number);
    if (entry.begun) {
      outbox.appendOwned(FrameType.more, piece, release);
    } else {
      outbox.appendFrame(firstFrame(piece, entry.layout), release);
      entry.begun = true;
    }
    entry.rest = entry.rest.subarray(size);
    this.#inFlight += size;
  }
}
