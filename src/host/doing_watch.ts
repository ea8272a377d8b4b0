/** Looks at what one process does, now and then, and tells what has changed. */

import { type Doing, doingOf, keptDoing, type SeenDoing } from "../core/doing.ts";
import type { Pid } from "../core/pid.ts";
import type { StartTimer } from "../core/timer.ts";
import type { WaitState } from "../core/waits.ts";
import { type OsProcess, readOsProcess } from "./os_process.ts";
import { COMPUTES, cpuShare, type Moment } from "./silence.ts";

/** How often a new process is looked at; one that is 16 times as old as this, or more, less often. */
const FIRST_MS = 100;
const AGE_SHARE = 1 / 16;
/** How often a process is looked at that does something else each time. */
const OFTEN_MS = 1_000;
/** One that does the same all the time is looked at when it has done so for a quarter longer, up to this. */
const SAME_SHARE = 1 / 4;
const SELDOM_MS = 5_000;
/** All processes of a run on a node together are looked at no more often than once in this time. */
const EACH_MS = 10;

/** All processes that are looked at steadily, likewise: a look takes a tenth of that. */
const STEADY_EACH_MS = 1;

/** One that only waits uses less than this. */
const WAITS = 1 / 20;
/** An answer that takes so long is late. */
const LATE_MS = 50;

/** The process to look at. */
export interface DoingWatchOptions {
  readonly pid: Pid;
  /** Its OS process id. */
  readonly osPid: number;
  /** Asks it what it waits for; `undefined` if it has ended. */
  readonly ask: () => Promise<WaitState | undefined>;
  /** How many processes are looked at. */
  readonly processes: () => number;
  /** Takes what has changed; it is not looked at again before the promise resolves. */
  readonly tell: (seen: SeenDoing) => Promise<void>;
  readonly startTimer: StartTimer;
  /** How often it is looked at. @default ever more seldom */
  readonly lookMs?: number | undefined;
  /** @default by `/proc` */
  readonly read?: (osPid: number) => OsProcess | undefined;
  /** The time in ms since the epoch. @default Date.now */
  readonly now?: () => number;
}

/**
 * How long after a look the next one follows, at a process of that age that has done the same for so long.
 *
 * @param processes How many processes are looked at.
 */
export function nextLookMs(ageMs: number, sameMs: number, processes: number): number {
  const oftenMs = clamp(ageMs * AGE_SHARE, FIRST_MS, OFTEN_MS);
  return Math.max(clamp(sameMs * SAME_SHARE, oftenMs, SELDOM_MS), processes * EACH_MS);
}

/**
 * Watches one process until it is stopped. A look reads its CPU time, and asks it what it waits for, which takes
 * it less than a tenth of a millisecond, unless it has computed since the last look.
 */
export class DoingWatch {
  readonly #options: DoingWatchOptions;
  readonly #read: (osPid: number) => OsProcess | undefined;
  readonly #now: () => number;
  readonly #startMs: number;
  /** The end of the last look, and how far communication had come. */
  #last: Moment;
  #progress: number | undefined;
  /** What was told last, as JSON, and since when nothing has changed. */
  #told = "";
  #sameSinceMs: number;
  #stopTimer: () => void = () => {};
  #stopped = false;

  constructor(options: DoingWatchOptions) {
    this.#options = options;
    this.#read = options.read ?? readOsProcess;
    this.#now = options.now ?? Date.now;
    this.#last = this.#moment();
    this.#startMs = this.#sameSinceMs = this.#last.timeMs;
    this.#arm();
  }

  /** Looks no more, and tells nothing more. */
  stop(): void {
    this.#stopped = true;
    this.#stopTimer();
  }

  #arm(): void {
    const now = this.#now();
    const { lookMs, processes, startTimer } = this.#options;
    const afterMs = lookMs === undefined
      ? nextLookMs(now - this.#startMs, now - this.#sameSinceMs, processes())
      : Math.max(lookMs, processes() * STEADY_EACH_MS);
    this.#stopTimer = startTimer(afterMs, () => void this.#look());
  }

  async #look(): Promise<void> {
    // Where several timers are due at once, one that has just been cancelled may still fire.
    if (this.#stopped) return;
    const before = this.#last;
    const now = this.#last = this.#moment();
    const share = cpuShare(before, now);
    if (share > COMPUTES) await this.#saw({ activity: "computes" }, before, before, now);
    else await this.#ask(before, now);
    // It computes now and then, and is to be seen when it does so again.
    if (share > WAITS) this.#sameSinceMs = now.timeMs;
    if (!this.#stopped) this.#arm();
  }

  async #ask(before: Moment, now: Moment): Promise<void> {
    const state = await this.#options.ask();
    if (this.#stopped || state === undefined) return this.stop();
    const progress = state.state === "waits" ? state.report.progress : undefined;
    if (progress !== this.#progress) this.#sameSinceMs = now.timeMs;
    this.#progress = progress;
    const answered = this.#last = this.#moment();
    // It has done so since it was asked.
    if (state.state === "computes" || state.state === "silent") {
      return await this.#saw(doingOf(state), now, before, answered);
    }
    const isLate = answered.timeMs - now.timeMs >= LATE_MS;
    if (isLate && cpuShare(now, answered) > COMPUTES) {
      await this.#saw({ activity: "computes" }, now, before, answered);
    }
    await this.#saw(keptDoing(doingOf(state)), answered, before, answered);
  }

  #moment(): Moment {
    return { timeMs: this.#now(), seen: this.#read(this.#options.osPid) };
  }

  /** It has done so from that moment on, as seen in a look that began and ended then. */
  async #saw(doing: Doing, from: Moment, before: Moment, after: Moment): Promise<void> {
    const text = JSON.stringify(doing);
    if (text === this.#told || this.#stopped) return;
    this.#told = text;
    this.#sameSinceMs = from.timeMs;
    await this.#options.tell({
      ...{ pid: this.#options.pid, doing, time: from.timeMs },
      everyMs: after.timeMs - before.timeMs,
      ...from.seen === undefined ? {} : { cpuMs: from.seen.cpuMs },
    });
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
