/**
 * The sending half of a pair of processes: the values of one channel after the other, taken into
 * the window while there is room, and in line while there is none.
 *
 * Pure: it turns sends, credits and stops into frames in an outbox and into settled promises.
 */

import {
  FrameType,
  HEADER_BYTES,
  type Layout,
  LAYOUT_BYTES,
  MAX_MESSAGE_BYTES,
  MAX_PIECE_BYTES,
  MAX_VALUE_BYTES,
  WINDOW_BYTES,
  writeHeader,
  writeLayout,
} from "../wire/frame.ts";
import { ProtocolError } from "../core/protocol_error.ts";
import { encode, encodeInto, largestBuffer } from "../codec/value_encoder.ts";
import { Fifo } from "./fifo.ts";
import type { Hold } from "./hold.ts";
import { giveSpare, takeSpare } from "./large_buffers.ts";
import type { Outbox } from "./outbox.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Something that waits for room in the window, in the order in which it came. */
type Entry =
  | {
    kind: "value";
    channel: number;
    /** The encoded value, with {@linkcode FRONT_BYTES} free before it; or what is left of it. */
    rest: Bytes;
    readonly layout: Layout;
    begun: boolean;
    settle: { resolve: () => void; reject: (reason: unknown) => void } | undefined;
  }
  /** A `select` that sends, if room comes before anything else of it: it calls `take`. */
  | { kind: "offer"; channel: number; take: () => void }
  | { kind: "end"; channel: number; settle: (() => void) | undefined };

/** A place in the line that can be given up. */
export interface Place {
  /** Gives the place up: what stands there is not sent. Tells whether it was still in line. */
  leave(): boolean;
}

/** A promise that most sends share: settled, and holding nothing. */
const TAKEN: Promise<void> = Promise.resolve();

/** Room for what stands before the bytes of a value in its first frame, so that both are one write. */
const FRONT_BYTES = HEADER_BYTES + LAYOUT_BYTES;

/** A smaller buffer is copied faster than memory is found for it. */
const MIN_BUFFER_BYTES = 64 * 1024;

/** What {@linkcode SendQueue.save} gives and {@linkcode SendQueue.restore} takes. */
export interface SavedSendQueue {
  readonly inFlight: number;
  readonly entries: readonly SavedEntry[];
}

/** A value that stands in line, or what is left of it; or, if `rest` is `null`, a channel's end. */
export interface SavedEntry {
  readonly channel: number;
  readonly rest: Bytes | null;
  readonly begun: boolean;
}

export class SendQueue {
  readonly #outbox: Outbox;
  readonly #hold: Hold;
  /** Called when frames were put into the outbox. */
  readonly #written: () => void;
  /** Bytes of the window that the receiver has not given credit for. */
  #inFlight = 0;
  readonly #line = new Fifo<Entry>();
  /** Whether whoever stands first in line is sending just now. */
  #offering = false;
  /** How many channels have been opened: the number of the newest is one less. */
  #opened = 0;
  /** The number of the newest channel whose receiver closed its end. */
  #stopped = -1;
  /** Why nothing can be sent any more. */
  #failure: { error: () => Error } | undefined;
  /** What waits for the line to be empty. */
  #emptied: (() => void)[] = [];

  constructor(outbox: Outbox, hold: Hold, written: () => void) {
    this.#outbox = outbox;
    this.#hold = hold;
    this.#written = written;
  }

  /** Whether values or ends wait for room. */
  get waiting(): boolean {
    for (const entry of this.#line) {
      if (entry.kind !== "offer") return true;
    }
    return false;
  }

  /** Begins the next channel; gives its number. */
  open(): number {
    return this.#opened++;
  }

  /** Whether the receiver of a channel has closed its end. */
  stopped(channel: number): boolean {
    return channel <= this.#stopped;
  }

  /** Why nothing can be sent on a channel, or `undefined` if it can be. */
  failure(): Error | undefined {
    return this.#failure?.error();
  }

  /** Whether a value can be taken now: the window has room, and nobody stands in line before it. */
  get room(): boolean {
    return (this.#line.length === 0 || this.#offering) && this.#inFlight < WINDOW_BYTES;
  }

  /**
   * Copies a value, and takes it into the window or puts it in line.
   *
   * @param onPlace Is given the place of a value that has to wait.
   * @throws {TypeError} If the value cannot be sent.
   */
  send(channel: number, value: unknown, onPlace?: (place: Place) => void): Promise<void> {
    let rest: Bytes;
    const before = this.#outbox.end;
    if (this.room) {
      let { bytes, position } = this.#outbox.reserve(false);
      let end = encodeInto(value, bytes, position);
      if (end < 0 && bytes.length - position < MAX_VALUE_BYTES) {
        ({ bytes, position } = this.#outbox.reserve(true));
        end = encodeInto(value, bytes, position);
      }
      // A getter of the value's may have sent something, which now stands where this one was put.
      if (this.#outbox.end !== before) end = -1;
      if (end >= 0 && end - position <= MAX_VALUE_BYTES) {
        this.#inFlight += HEADER_BYTES + end - position;
        this.#outbox.commit(end);
        this.#written();
        return TAKEN;
      }
      rest = end >= 0 ? withFront(bytes.subarray(position, end)) : encodeLarge(value);
    } else {
      rest = encodeLarge(value);
    }
    if (rest.length > MAX_MESSAGE_BYTES) {
      throw new TypeError(
        `value takes ${rest.length} bytes encoded; at most ${MAX_MESSAGE_BYTES} can be sent`,
      );
    }
    const layout = layoutOf(rest);
    const entry: Entry = { kind: "value", channel, rest, layout, begun: false, settle: undefined };
    if (this.#offering) {
      this.#line.unshift(entry); // and whoever takes the offers goes on with it
    } else {
      this.#line.push(entry);
      if (this.#line.length === 1) this.#advance();
      if (this.#line.length === 0) return TAKEN;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    entry.settle = { resolve, reject };
    this.#hold.acquire();
    onPlace?.({ leave: () => this.#leave(entry) });
    return promise;
  }

  /** Stands in line; when it is its turn and there is room, `take` is called, and may send. */
  offer(channel: number, take: () => void): Place {
    const entry: Entry = { kind: "offer", channel, take };
    this.#line.push(entry);
    return { leave: () => this.#leave(entry) };
  }

  /**
   * Ends a channel, after all the values that stand in line for it; its offers are told at once.
   * Resolves when the end is in the outbox, or when nothing can be sent any more.
   */
  end(channel: number): Promise<void> {
    if (this.#failure !== undefined) return TAKEN;
    const offers = this.#line.extract((entry) =>
      entry.kind === "offer" && entry.channel === channel
    );
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#line.push({ kind: "end", channel, settle: resolve });
    for (const offer of offers) if (offer.kind === "offer") offer.take();
    this.#advance();
    return promise;
  }

  /** Resolves when no values or ends stand in line. */
  emptied(): Promise<void> {
    if (!this.waiting) return TAKEN;
    return new Promise((resolve) => this.#emptied.push(resolve));
  }

  /**
   * The receiver no longer holds so many bytes.
   *
   * @throws {ProtocolError} If it never held that many.
   */
  credit(count: number): void {
    if (count > this.#inFlight) {
      throw new ProtocolError(`a credit of ${count} bytes, where ${this.#inFlight} are out`);
    }
    this.#inFlight -= count;
    this.#advance();
  }

  /**
   * The receiver of a channel closed its end: what stands in line for it is rejected.
   *
   * @param error Makes the error that they get.
   */
  stop(channel: number, error: () => Error): void {
    if (channel <= this.#stopped) return;
    this.#stopped = channel;
    const gone = this.#line.extract((entry) => entry.kind !== "end" && entry.channel <= channel);
    for (const entry of gone) {
      if (entry.kind === "value" && entry.begun) this.#cancel();
      this.#reject(entry, error);
    }
    this.#advance();
  }

  /** Nothing can be sent any more, for ever: all that stands in line is rejected. */
  fail(error: () => Error): void {
    this.#failure ??= { error };
    for (const entry of this.#line.drain()) this.#reject(entry, error);
    this.#settleEmptied();
  }

  /** What stands in line, for a will. Offers are left out: they were never taken. */
  save(): SavedSendQueue {
    const entries: SavedEntry[] = [];
    for (const entry of this.#line) {
      const { kind, channel } = entry;
      // A copy: what is left of a value is encoded with all of the buffer that it is a part of.
      if (kind === "value") entries.push({ channel, rest: entry.rest.slice(), begun: entry.begun });
      else if (kind === "end") entries.push({ channel, rest: null, begun: false });
    }
    return { inFlight: this.#inFlight, entries };
  }

  /** Puts what {@linkcode save} gave into a queue that was not used before. */
  restore(saved: SavedSendQueue): void {
    this.#inFlight = saved.inFlight;
    for (const { channel, rest, begun } of saved.entries) {
      this.#line.push(
        rest === null ? { kind: "end", channel, settle: undefined } : {
          kind: "value",
          channel,
          rest: withFront(rest),
          layout: { length: rest.length, bufferStart: 0, bufferSize: 0 },
          begun,
          settle: undefined,
        },
      );
    }
    this.#advance();
  }

  #reject(entry: Entry, error: () => Error): void {
    if (entry.kind === "offer") return entry.take();
    if (entry.settle === undefined) return;
    if (entry.kind === "end") return entry.settle();
    this.#hold.release();
    entry.settle.reject(error());
  }

  #leave(entry: Entry): boolean {
    if (!this.#line.remove(entry)) return false;
    if (entry.kind === "value") {
      if (entry.begun) this.#cancel();
      if (entry.settle !== undefined) this.#hold.release();
    }
    // A select that takes its one offer leaves with the others, and is to send before anyone else.
    if (!this.#offering) this.#advance();
    return true;
  }

  /** Tells the receiver that the value of which pieces were sent is not coming. */
  #cancel(): void {
    this.#outbox.append(FrameType.cancel);
    this.#written();
  }

  /** Takes from the line whatever there is room for. */
  #advance(): void {
    const before = this.#outbox.end;
    for (let entry = this.#line.first; entry !== undefined; entry = this.#line.first) {
      if (entry.kind === "end") {
        this.#outbox.append(FrameType.end);
      } else if (this.#inFlight >= WINDOW_BYTES) {
        break;
      } else if (entry.kind === "value" && !this.#sendPieces(entry)) {
        break;
      }
      this.#line.shift();
      if (entry.kind === "offer") {
        this.#offering = true;
        try {
          entry.take();
        } finally {
          this.#offering = false;
        }
      } else if (entry.settle !== undefined) {
        if (entry.kind === "end") {
          entry.settle();
        } else {
          this.#hold.release();
          entry.settle.resolve();
        }
      }
    }
    if (this.#outbox.end > before) this.#written();
    this.#settleEmptied();
  }

  /** Sends pieces of a value until it, or the window, has no more; tells whether all is sent. */
  #sendPieces(entry: Entry & { kind: "value" }): boolean {
    if (!entry.begun && entry.rest.length <= MAX_VALUE_BYTES) {
      this.#outbox.append(FrameType.value, entry.rest);
      this.#inFlight += HEADER_BYTES + entry.rest.length;
      return true;
    }
    while (entry.rest.length > 0) {
      if (this.#inFlight >= WINDOW_BYTES) return false;
      const { length } = entry.rest;
      const size = Math.min(length, MAX_PIECE_BYTES - LAYOUT_BYTES);
      const piece = entry.rest.subarray(0, size);
      const release = size === length ? () => giveSpare(piece) : undefined;
      if (entry.begun) {
        this.#outbox.appendOwned(FrameType.more, piece, release);
      } else {
        this.#outbox.appendFrame(firstFrame(piece, entry.layout), release);
        entry.begun = true;
      }
      entry.rest = entry.rest.subarray(size);
      this.#inFlight += size;
    }
    return true;
  }

  #settleEmptied(): void {
    if (this.#emptied.length === 0 || this.waiting) return;
    const waiting = this.#emptied;
    this.#emptied = [];
    for (const resolve of waiting) resolve();
  }
}

/** The encoded value, in a buffer with {@linkcode FRONT_BYTES} before it. */
function encodeLarge(value: unknown): Bytes {
  const spare = takeSpare(0);
  if (spare === undefined) return encode(value, FRONT_BYTES);
  const end = encodeInto(value, spare, FRONT_BYTES);
  const encoded = end < 0 ? undefined : spare.subarray(FRONT_BYTES, end);
  // A small one, that has to wait in line, is not worth the buffer.
  if (encoded !== undefined && encoded.length > MAX_VALUE_BYTES) return encoded;
  giveSpare(spare);
  return encoded === undefined ? encode(value, FRONT_BYTES) : withFront(encoded);
}

/** A copy of an encoded value, in such a buffer. */
function withFront(encoded: Bytes): Bytes {
  const copy = new Uint8Array(FRONT_BYTES + encoded.length);
  copy.set(encoded, FRONT_BYTES);
  return copy.subarray(FRONT_BYTES);
}

/** The layout of the value that was encoded last, as `encoded`. */
function layoutOf({ length }: Bytes): Layout {
  const buffer = largestBuffer();
  return buffer.size < MIN_BUFFER_BYTES
    ? { length, bufferStart: 0, bufferSize: 0 }
    : { length, bufferStart: buffer.start, bufferSize: buffer.size };
}

/** Makes of the first piece of a value, and the room before it, a frame. */
function firstFrame(piece: Bytes, layout: Layout): Bytes {
  const start = piece.byteOffset - FRONT_BYTES;
  const frame = new Uint8Array(piece.buffer, start, FRONT_BYTES + piece.length);
  const position = writeHeader(frame, 0, FrameType.first, LAYOUT_BYTES + piece.length);
  writeLayout(new DataView(piece.buffer, start), position, layout);
  return frame;
}
