/** When the arrival of values is acknowledged to the process that they came from. */

import { startTimer, type Timer } from "../net/delay.ts";

/** An arrival is acknowledged after at most this time … */
const ACK_DELAY_MS = 10;
/** … and this many bytes. */
const ACK_BYTES = 128 * 1024;

export class Acknowledger {
  /** Has what is due written soon. */
  readonly #kick: () => void;
  /** Up to where has been acknowledged. */
  #offset = 0;
  #due = false;
  #timer: Timer | undefined;

  constructor(kick: () => void) {
    this.#kick = kick;
  }

  /** A new connection has told the other side that all up to `offset` is here. */
  begin(offset: number): void {
    this.#offset = offset;
  }

  /** Something came that is to be acknowledged, with whatever is written next. */
  owe(): void {
    this.#due = true;
  }

  /** Bytes were read, up to `offset`: they are acknowledged now if they are many, else by and by. */
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
