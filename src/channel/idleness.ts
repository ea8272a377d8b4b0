/**
 * Whether the two processes need their connection: each sends `idle` when it does not, and `busy` when it
 * does again. Both frames are part of the streams, so both sides agree on them, even when connections
 * break.
 */

import { FrameType } from "../wire/frame.ts";
import { startTimer, type Timer } from "../net/delay.ts";

/**
 * How long a connection that neither side needs is kept: programs close a channel and open the next one,
 * and connecting takes longer than that.
 */
const LINGER_MS = 300;

export interface IdlenessEvents {
  /** Tells the other side. */
  say(type: typeof FrameType.idle | typeof FrameType.busy): void;
  /** Neither side has needed the connection for a while. */
  unneeded(): void;
}

export class Idleness {
  readonly #events: IdlenessEvents;
  /** The last frame of each side. Both are idle initially. */
  #own: boolean;
  #remote = true;
  /** Since when both are. */
  #sinceMs = 0;
  #timer: Timer | undefined;

  /** @param own Whether this side is idle; false for one that never is. */
  constructor(events: IdlenessEvents, own: boolean) {
    this.#events = events;
    this.#own = own;
  }

  /** Whether neither side needs the connection. */
  get mutual(): boolean {
    return this.#own && this.#remote;
  }

  /** This side needs the connection. */
  busy(): void {
    if (!this.#own) return;
    this.#own = false;
    this.#events.say(FrameType.busy);
  }

  /** This side does not need it. */
  idle(): void {
    if (this.#own) return;
    this.#own = true;
    this.#events.say(FrameType.idle);
    this.linger();
  }

  /** The other side has said whether it needs it. */
  heard(idle: boolean): void {
    this.#remote = idle;
    this.linger();
  }

  /** Reports after a while if neither side has needed the connection. */
  linger(): void {
    if (!this.mutual) return;
    this.#sinceMs = performance.now();
    if (this.#timer === undefined) this.#arm(LINGER_MS);
  }

  /** Stops reporting. */
  stop(): void {
    if (this.#timer !== undefined) this.#timer.onabort = null;
  }

  #arm(ms: number): void {
    this.#timer = startTimer(ms, () => {
      this.#timer = undefined;
      if (!this.mutual) return;
      const leftMs = this.#sinceMs + LINGER_MS - performance.now();
      if (leftMs > 0) this.#arm(Math.ceil(leftMs));
      else this.#events.unneeded();
    });
  }
}
