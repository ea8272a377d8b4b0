/**
 * The outgoing half of a connection's stream: frames that wait to be written, and those that were
 * written but not yet acknowledged, kept to be sent again if the connection breaks.
 *
 * Frames are put one after the other into chunks (chunks.ts), where they stay until they are acknowledged: what is
 * written, and what is kept, are views of the same bytes. Pure: it uses no socket.
 */

import { FrameType, HEADER_BYTES, isVital, MAX_VALUE_BYTES, writeHeader } from "../wire/frame.ts";
import { ProtocolError } from "../core/errors.ts";
import type { StoredPart } from "../core/stored_bytes.ts";
import { Chunks } from "./chunks.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Scratch space for numbers: a new array for each would take longer than the rest of a frame. */
const NUMBER = new DataView(new ArrayBuffer(8));
const UINT32_BYTES = new Uint8Array(NUMBER.buffer, 0, 4);
const TWO_UINT32_BYTES = new Uint8Array(NUMBER.buffer);
const FLOAT64_BYTES = TWO_UINT32_BYTES;

/** No value is tried where there is less room than this. */
const SMALL_VALUE_BYTES = 64;

/** Where a frame's payload is to be encoded: see {@linkcode Outbox.reserve}. */
export interface Reservation {
  readonly bytes: Bytes;
  readonly position: number;
}

/** One direction's stream, as its writer keeps it. */
export class Outbox {
  /** They hold the bytes that are not acknowledged. */
  readonly #chunks = new Chunks();
  #acked: number;
  #written: number;
  /** The offset up to which this connection was given bytes to write: `written`, or more meanwhile. */
  #handed: number;
  /** The same of all connections so far: the peer may have received that much. */
  #everHanded: number;
  #end: number;
  #vitalEnd: number;
  /** How many values have been put into it. */
  #values = 0;
  /** Whether nothing is given out to be written. */
  #sealed = false;
  /** The channel to which the frames of channels belong that are appended now; -1 if to none. */
  #channel = -1;
  /** The waiters for everything up to an offset to be acknowledged. */
  #waiters: { readonly offset: number; readonly resolve: () => void }[] = [];

  /** `offset` is where the stream begins: 0, or where a dead process's stream goes on. */
  constructor(offset = 0) {
    this.#acked = offset;
    this.#written = offset;
    this.#handed = offset;
    this.#everHanded = offset;
    this.#end = offset;
    this.#vitalEnd = offset;
  }

  /** The offset up to which the peer has acknowledged. */
  get acked(): number {
    return this.#acked;
  }

  /** The offset after the last frame. */
  get end(): number {
    return this.#end;
  }

  /** The number of the current channel; -1 if there is none yet. */
  get channel(): number {
    return this.#channel;
  }

  /** The offset up to which the system has taken everything. */
  get written(): number {
    return this.#written;
  }

  /** How many bytes wait to be written. */
  get unwritten(): number {
    return this.#end - this.#written;
  }

  /** How many values have been put into it. */
  get values(): number {
    return this.#values;
  }

  /** A value was put into it, other than by {@linkcode commit}. */
  count(): void {
    this.#values++;
  }

  /** Whether vital data is unacknowledged: a value, or a channel's end. */
  get vital(): boolean {
    return this.#vitalEnd > this.#acked;
  }

  /** Whether anything waits for an acknowledgement. */
  get awaited(): boolean {
    return this.#waiters.length > 0;
  }

  /** Resolves when all frames so far are acknowledged, or the peer is gone. */
  acknowledged(): Promise<void> {
    const offset = this.#end;
    if (offset <= this.#acked) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ offset, resolve }));
  }

  /** The peer is gone: releases all waiters. */
  abandon(): void {
    this.#settle(Infinity);
  }

  /**
   * Room for a `value` frame of unknown length: its payload may be written from `position` on, to
   * the end of `bytes`. Follow with {@linkcode commit}, or with nothing to leave all as it was.
   * With `fresh`, the room is enough for the largest `value`.
   */
  reserve(fresh: boolean): Reservation {
    const chunk = fresh
      ? this.#chunks.add(HEADER_BYTES + MAX_VALUE_BYTES, this.#end)
      : this.#chunks.room(HEADER_BYTES + SMALL_VALUE_BYTES, this.#end);
    return { bytes: chunk.bytes, position: chunk.used + HEADER_BYTES };
  }

  /** Makes the payload that ends at `payloadEnd` of the last reservation a `value` frame. */
  commit(payloadEnd: number): void {
    const chunk = this.#chunks.last!;
    const length = payloadEnd - chunk.used - HEADER_BYTES;
    writeHeader(chunk.bytes, chunk.used, FrameType.value, length);
    this.#end += payloadEnd - chunk.used;
    chunk.used = payloadEnd;
    this.#vitalEnd = this.#end;
    this.#values++;
  }

  /** Appends a frame whose payload is `parts`, which are copied. */
  append(type: FrameType, ...parts: readonly Uint8Array[]): void {
    let length = 0;
    for (const part of parts) length += part.length;
    const chunk = this.#chunks.room(HEADER_BYTES + length, this.#end);
    let position = writeHeader(chunk.bytes, chunk.used, type, length);
    for (const part of parts) {
      chunk.bytes.set(part, position);
      position += part.length;
    }
    chunk.used = position;
    this.#end += HEADER_BYTES + length;
    if (isVital(type)) this.#vitalEnd = this.#end;
  }

  /**
   * Appends a frame whose payload is `payload`, which is not copied: it belongs to the outbox until
   * `release` is called, when it and all before it has been acknowledged.
   */
  appendOwned(type: FrameType, payload: Bytes, release?: () => void): void {
    const chunk = this.#chunks.roomBefore(HEADER_BYTES, this.#end);
    chunk.used = writeHeader(chunk.bytes, chunk.used, type, payload.length);
    this.#end += HEADER_BYTES;
    this.appendFrame(payload, release);
  }

  /** As {@linkcode appendOwned}, of bytes that are a frame already, header and all. */
  appendFrame(bytes: Bytes, release?: () => void): void {
    this.#chunks.addOwned(bytes, this.#end, release);
    this.#end += bytes.length;
    this.#vitalEnd = this.#end;
  }

  /** Makes the channel of that number the one to which what follows belongs. */
  select(channel: number): void {
    if (channel === this.#channel) return;
    this.#channel = channel;
    this.appendUint32(FrameType.channel, channel);
  }

  /** Begins the channel of that number, and makes it the current one. */
  open(channel: number, name: Bytes): void {
    this.#channel = channel;
    NUMBER.setUint32(0, channel, true);
    this.append(FrameType.open, UINT32_BYTES, name);
  }

  /** Appends a frame whose payload is one 32-bit number. */
  appendUint32(type: FrameType, value: number): void {
    NUMBER.setUint32(0, value, true);
    this.append(type, UINT32_BYTES);
  }

  /** Appends a frame whose payload is two 32-bit numbers. */
  appendUint32s(type: FrameType, first: number, second: number): void {
    NUMBER.setUint32(0, first, true);
    NUMBER.setUint32(4, second, true);
    this.append(type, TWO_UINT32_BYTES);
  }

  /** Appends a frame whose payload is one 64-bit floating-point number. */
  appendFloat64(type: FrameType, value: number): void {
    NUMBER.setFloat64(0, value, true);
    this.append(type, FLOAT64_BYTES);
  }

  /**
   * The next bytes to write; `undefined` if all are written, or it is sealed. Follow with {@linkcode wrote}.
   */
  next(): Bytes | undefined {
    if (this.#sealed || this.#written === this.#end) return undefined;
    const chunk = this.#chunks.at(this.#written);
    this.#handed = chunk.start + chunk.used;
    this.#everHanded = Math.max(this.#everHanded, this.#handed);
    return chunk.bytes.subarray(this.#written - chunk.start, chunk.used);
  }

  /**
   * The system has taken this many of the bytes that {@linkcode next} returned.
   *
   * @throws {ProtocolError} If the peer has acknowledged more than that.
   */
  wrote(count: number): void {
    this.#written += count;
    // An ack may come before its write is known to have been done, but not of more than that.
    if (this.#acked > this.#written) {
      throw new ProtocolError(
        `an ack of ${this.#acked}, but only ${this.#written} bytes were written`,
      );
    }
  }

  /**
   * The peer has received all frames up to `offset`.
   *
   * @throws {ProtocolError} If that is impossible.
   */
  ack(offset: number): void {
    if (!(offset <= this.#handed)) {
      throw new ProtocolError(`an ack of ${offset}, but only ${this.#handed} bytes were written`);
    }
    this.#release(offset);
  }

  /** The bytes before `offset` are not needed any more. */
  #release(offset: number): void {
    if (offset <= this.#acked) return; // repeated after a connection was replaced
    this.#acked = offset;
    if (this.#waiters.length > 0) this.#settle(offset);
    this.#chunks.release(offset, this.#end);
  }

  /**
   * A new connection begins: the peer has all frames up to `offset`, and gets the others again.
   *
   * The peer may resume later than the connection before did: that one may have been an old attempt, made
   * before the peer received what an even earlier one carried.
   *
   * @throws {ProtocolError} If the peer cannot have reached that offset.
   */
  rewind(offset: number): void {
    if (!(offset >= this.#acked)) {
      throw new ProtocolError(`it resumes at ${offset}, but has acknowledged ${this.#acked}`);
    }
    if (offset > this.#everHanded) {
      throw new ProtocolError(
        `it resumes at ${offset}, but only ${this.#everHanded} bytes were written`,
      );
    }
    this.#release(offset);
    this.#written = offset;
    this.#handed = offset;
  }

  /** Gives out nothing to be written from now on, or again: another writer continues the stream. */
  seal(sealed: boolean): void {
    this.#sealed = sealed;
  }

  /** A copy of all frames that are not acknowledged. */
  unacked(): Bytes {
    return this.#chunks.copyFrom(this.#acked, this.#end);
  }

  /**
   * Puts frames, as {@linkcode unacked} gave them, back into an empty outbox, as written once; `channel`
   * was the current one after them. They stay where they are stored until they are written.
   */
  restore(frames: StoredPart, channel: number): void {
    this.#channel = channel;
    this.#chunks.addStored(frames, this.#end);
    this.#end += frames.size;
    this.#written = this.#end;
    this.#handed = this.#end;
    this.#everHanded = this.#end;
    this.#vitalEnd = this.#end;
  }

  #settle(acked: number): void {
    const done = this.#waiters.filter(({ offset }) => offset <= acked);
    this.#waiters = this.#waiters.filter(({ offset }) => offset > acked);
    for (const { resolve } of done) resolve();
  }
}
