/** Attempts to connect to one process, again and again. */

import { delay } from "../net/delay.ts";
import { dial, type Dialed, type DialOptions } from "./dial.ts";
import { CROSSED_MS, type Reply, Verdict } from "./greeting.ts";
import type { Pid } from "../core/pid.ts";

/** What a dialer asks of its connection, and tells it. */
export interface ProcessDialerEvents {
  /** Whether there still is a reason to connect. */
  wanted(): boolean;
  /** There is none, and the dialer has stopped. */
  unwanted(): void;
  /** The other process has taken this connection, and the dialer has stopped. */
  welcome(dialed: Dialed): void;
  /** The other process answered, and does not take the connection. */
  refused(reply: Reply): void;
  /** Nobody is there, or somebody who cannot show that it may be. */
  unreachable(error: unknown): void;
}

/** Attempts to connect are apart by the first of these, then by twice as much up to the second. */
const FIRST_REDIAL_MS = 20;
const MAX_REDIAL_MS = 1_000;

/** Dials until it has a connection, is stopped, or is not needed. */
export class ProcessDialer {
  readonly #remote: Pid;
  readonly #options: DialOptions;
  readonly #events: ProcessDialerEvents;
  #attempt: AbortController | undefined;
  #stopped = false;

  constructor(remote: Pid, options: DialOptions, events: ProcessDialerEvents) {
    this.#remote = remote;
    this.#options = options;
    this.#events = events;
  }

  /** Whether it is connecting just now, rather than waiting for the next attempt. */
  get attempting(): boolean {
    return this.#attempt !== undefined;
  }

  /** Begins, after a rest if something has just broken. */
  async start(afterBreak: boolean): Promise<void> {
    if (afterBreak) await delay(FIRST_REDIAL_MS);
    for (let pauseMs = FIRST_REDIAL_MS; !this.#stopped;) {
      if (!this.#events.wanted()) {
        this.stop();
        return this.#events.unwanted();
      }
      if (await this.#dial() === Verdict.crossed) {
        await delay(CROSSED_MS);
      } else if (!this.#stopped) {
        await delay(pauseMs);
        pauseMs = Math.min(2 * pauseMs, MAX_REDIAL_MS);
      }
    }
  }

  /**
   * Ends it: nothing is told any more. An attempt that is under way is left to its end, and closed
   * then: broken off, it would look to the other side like one that should not have been made.
   */
  stop(): void {
    this.#stopped = true;
  }

  /** Ends it, and breaks off an attempt, which nobody may ever answer. */
  abort(): void {
    this.stop();
    this.#attempt?.abort();
  }

  async #dial(): Promise<Verdict | undefined> {
    const attempt = new AbortController();
    this.#attempt = attempt;
    let dialed: Dialed;
    try {
      dialed = await dial(this.#remote, this.#options, attempt);
    } catch (error) {
      this.#attempt = undefined;
      if (!this.#stopped) this.#events.unreachable(error);
      return undefined;
    }
    this.#attempt = undefined;
    const { conn, reply } = dialed;
    const { verdict } = reply;
    if (this.#stopped) {
      conn.close();
    } else if (verdict === Verdict.welcome) {
      this.#stopped = true;
      this.#events.welcome(dialed);
    } else {
      conn.close();
      if (verdict !== Verdict.crossed) this.#events.refused(reply);
    }
    return verdict;
  }
}
