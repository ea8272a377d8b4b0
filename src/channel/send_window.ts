/** A channel's window, as its sender counts it: how much may be sent before the receiver gives credit. */

import { ProtocolError } from "../core/protocol_error.ts";
import { FIRST_WINDOW_BYTES, WINDOW_BYTES } from "../wire/window_sizes.ts";

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
