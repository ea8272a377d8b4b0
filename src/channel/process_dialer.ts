/** Repeated attempts to connect to one process. */

import { delay } from "../net/delay.ts";
import { dial, type Dialed, type DialOptions } from "./dial.ts";
import { CROSSED_MS, type Reply, Verdict } from "./greeting.ts";
import type { Pid } from "../core/pid.ts";

/** The callbacks of a dialer to its connection. */
export interface ProcessDialerEvents {
  /** Whether a connection is still needed. */
  wanted(): boolean;
  /** None is needed, and the dialer has stopped. */
  unwanted(): void;
  /** The other process has taken this connection, and the dialer has stopped. */
  welcome(dialed: Dialed): void;
  /** The other process answered, and refused the connection. */
  refused(reply: Reply): void;
  /**
   * The process is not there, or one that cannot authenticate. All attempts for the last `forMs` have ended
   * like this.
   */
  unreachable(error: unknown, forMs: number): void;
}

/** The first delay between attempts, which doubles up to the second. */
const FIRST_REDIAL_MS = 20;
const MAX_REDIAL_MS = 1_000;

/** Dials until it has a connection, is stopped, or is not needed. */
export class ProcessDialer {
  readonly #remote: Pid;
  readonly #options: DialOptions;
  readonly #events: ProcessDialerEvents;
  #attempt: AbortController | undefined;
  #stopped = false;
  /** When the first of the attempts began that have all failed. */
  #failingSinceMs: number | undefined;

  constructor(remote: Pid, options: DialOptions, events: ProcessDialerEvents) {
    this.#remote = remote;
    this.#options = options;
    this.#events = events;
  }

  /** Whether it is connecting just now, rather than waiting for the next attempt. */
  get attempting(): boolean {
    return this.#attempt !== undefined;
  }

  /**
   * Begins, after a delay if a connection has just broken. With `eager`, it dials once even if no connection
   * is needed yet.
   */
  async start(options: { afterBreak: boolean; eager: boolean }): Promise<void> {
    try {
      await this.#repeat(options);
    } finally {
      this.#options.greeted?.(); // also if there was no attempt
    }
  }

  async #repeat({ afterBreak, eager }: { afterBreak: boolean; eager: boolean }): Promise<void> {
    if (afterBreak) await delay(FIRST_REDIAL_MS);
    let isEager = eager;
    for (let pauseMs = FIRST_REDIAL_MS; !this.#stopped;) {
      const isDue = isEager || this.#events.wanted();
      isEager = false;
      if (!isDue) {
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
   * Stops it: no more callbacks follow. An attempt in progress is completed, and then closed: aborted, it
   * would look invalid to the other side.
   */
  stop(): void {
    this.#stopped = true;
  }

  /** Stops it, and aborts an attempt, which may never be answered. */
  abort(): void {
    this.stop();
    this.#attempt?.abort();
  }

  async #dial(): Promise<Verdict | undefined> {
    const attempt = new AbortController();
    this.#attempt = attempt;
    const { gate } = this.#options;
    const leave = gate === undefined ? undefined : await gate.enter();
    if (this.#stopped) {
      this.#attempt = undefined;
      leave?.();
      return undefined;
    }
    this.#failingSinceMs ??= performance.now();
    let dialed: Dialed;
    try {
      dialed = await dial(this.#remote, this.#options, attempt);
    } catch (error) {
      leave?.();
      this.#attempt = undefined;
      this.#options.greeted?.();
      const forMs = performance.now() - this.#failingSinceMs;
      if (!this.#stopped) this.#events.unreachable(error, forMs);
      return undefined;
    }
    leave?.();
    this.#attempt = undefined;
    this.#failingSinceMs = undefined;
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
