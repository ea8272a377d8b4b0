/**
 * The ends of Senders that were closed by `await using`.
 *
 * Such a Sender may be closed because an exception passes through its block, and if that ends the process,
 * its reader must not consider the stream complete. There is no way to ask whether there is an exception.
 * So the end is held back until an exception would have ended the process, and written then.
 */

import { startTimer } from "../net/delay.ts";
import type { OutChannel } from "./out_channel.ts";

export class HeldEnds {
  #channels: OutChannel[] = [];
  #waiting = false;
  /** Whether the process ends with success, once it is ending. */
  #verdict: boolean | undefined;

  /** A channel's end was queued, and is held back. */
  add(channel: OutChannel): void {
    this.#channels.push(channel);
    if (this.#verdict !== undefined) return this.settle(this.#verdict);
    if (this.#waiting) return;
    this.#waiting = true;
    // Deno 2.6 reports an exception of a module only after the timers of that turn.
    turn(() =>
      turn(() => {
        this.#waiting = false;
        this.#release(this.#verdict ?? true);
      })
    );
  }

  /** The process ends: its held ends are written if it succeeds, and dropped otherwise. */
  settle(success: boolean): void {
    this.#verdict = success;
    this.#release(success);
  }

  #release(success: boolean): void {
    const channels = this.#channels;
    this.#channels = [];
    for (const channel of channels) {
      if (success) channel.release();
      else channel.drop();
    }
  }
}

/** Calls `done` after a turn of the event loop. */
function turn(done: () => void): void {
  startTimer(0, done);
}
