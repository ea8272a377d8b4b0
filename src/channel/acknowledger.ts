/** Decides when the arrival of values is acknowledged to their sender. */

import { startTimer, type Timer } from "../net/delay.ts";

/** An arrival is acknowledged after at most this time ... */
const ACK_DELAY_MS = 10;
/** ... and this many bytes. */
const ACK_BYTES = 128 * 1024;

export class Acknowledger {
  /** Schedules a write of what is due. */
  readonly #kick: () => void;
  /** The acknowledged offset. */
  #offset = 0;
  #due = false;
  #timer: Timer | undefined;

  constructor(kick: () => void) {
    this.#kick = kick;
  }

  /** A new connection has told the other side that everything up to `offset` has arrived. */
  begin(offset: number): void {
    this.#offset = offset;
  }

  /** A frame arrived that has to be acknowledged, together with the next write. */
  owe(): void {
    this.#due = true;
  }

  /** Bytes were read, up to `offset`: they are acknowledged now if they are many, else later. */
  arrived(offset: number): void {
    if (offset - this.#offset >= ACK_BYTES) {
      this.#due = true;
      this.#kick();
    } else if (this.#due && this.#timer === undefined) {
      this.#timer = startTimer(ACK_DELAY_MS, () => {
        this.#timer = undefined;
        if (this.#due) this.#kick();
      });
    }
  }

  /** Whether an acknowledgement is due; that of `offset` is about to be written, if so. */
  take(offset: number): boolean {
    if (!this.#due) return false;
    this.#due = false;
    this.#offset = offset;
    return true;
  }
}
