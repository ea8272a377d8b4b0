/** Looks at what a process uses, now and then, and remembers the most. */

import type { ExitRecord } from "../core/events.ts";
import type { SampledUsage } from "../core/samples.ts";
import { type StartTimer, startTimer } from "../core/timer.ts";
import { canReadUsage, type ProcUsage, readTreeUsage, readUsage } from "./proc_usage.ts";

/** It looks when the process is a quarter older than at the last look, but within these times. */
const SHARE = 1 / 4;
const FIRST_MS = 100;
const MAX_MS = 5_000;

/** The process to look at. */
export interface UsageWatchOptions {
  /** Its OS process id. */
  readonly osPid: number;
  /** @default real time */
  readonly startTimer?: StartTimer;
  /** @default by `/proc`, with all that it has started */
  readonly read?: (osPid: number) => ProcUsage | undefined;
  /** The time in ms. @default `performance.now` */
  readonly now?: () => number;
  /** @default by `/proc`, alone */
  readonly readOwn?: (osPid: number) => ProcUsage | undefined;
}

/**
 * Watches one process until it is stopped: when it begins, after 100 ms, then less and less often, up to every five
 * seconds. So what is missed is at most the last fifth of a process's life, and of that the last five seconds.
 * A look takes about 0.3 ms.
 */
export class UsageWatch {
  readonly #osPid: number;
  readonly #startTimer: StartTimer;
  readonly #read: (osPid: number) => ProcUsage | undefined;
  readonly #now: () => number;
  #last: Omit<SampledUsage, "ageMs"> | undefined;
  #lastMs = 0;
  readonly #readOwn: (osPid: number) => ProcUsage | undefined;
  #peakBytes: number | null = null;
  #cpuMs: number | null = null;
  #stopTimer: () => void = () => {};
  #stopped = false;

  constructor(options: UsageWatchOptions) {
    this.#osPid = options.osPid;
    this.#startTimer = options.startTimer ?? startTimer;
    this.#read = options.read ?? readTreeUsage;
    this.#readOwn = options.readOwn ?? readUsage;
    this.#now = options.now ?? (() => performance.now());
    if (options.read !== undefined || canReadUsage()) this.#arm(0);
  }

  /** What was seen at the last look, if that is no older than `maxAgeMs`; otherwise looks now. */
  recent(maxAgeMs: number): SampledUsage | undefined {
    const ageMs = this.#now() - this.#lastMs;
    if (this.#last !== undefined && ageMs < maxAgeMs) return { ...this.#last, ageMs };
    const usage = this.look();
    return usage && { memBytes: usage.memBytes, cpuMs: usage.cpuMs, ageMs: 0 };
  }

  /**
   * The process is about to run its function: looks at it alone, which takes about 60 µs. So something is known
   * of one that ends before the first look, too.
   */
  begin(): void {
    this.#note(this.#readOwn(this.#osPid));
  }

  /** Looks now; `undefined` if the process has ended, or the system does not tell. */
  look(): ProcUsage | undefined {
    return this.#note(this.#read(this.#osPid));
  }

  #note(usage: ProcUsage | undefined): ProcUsage | undefined {
    if (usage === undefined) return undefined;
    // A process that has just ended has no memory any more.
    const peakBytes = Math.max(this.#peakBytes ?? 0, usage.peakBytes, usage.memBytes);
    if (peakBytes > 0) this.#peakBytes = peakBytes;
    // What a child has used is no longer seen if its parent did not wait for it.
    this.#cpuMs = Math.max(this.#cpuMs ?? 0, usage.cpuMs);
    this.#lastMs = this.#now();
    this.#last = { memBytes: usage.memBytes, cpuMs: this.#cpuMs };
    return { ...usage, peakBytes, cpuMs: this.#cpuMs };
  }

  /** The most that has been seen. */
  total(): Pick<ExitRecord, "peakBytes" | "cpuMs"> {
    return { peakBytes: this.#peakBytes, cpuMs: this.#cpuMs };
  }

  /** Looks no more by itself. */
  stop(): void {
    this.#stopped = true;
    this.#stopTimer();
  }

  #arm(ageMs: number): void {
    const afterMs = Math.min(Math.max(FIRST_MS, ageMs * SHARE), MAX_MS);
    this.#stopTimer = this.#startTimer(afterMs, () => {
      // Where several timers are due at once, one that has just been cancelled may still fire.
      if (this.#stopped) return;
      this.look();
      this.#arm(ageMs + afterMs);
    });
  }
}
