/** Looks at what one process does, now and then, and tells what has changed. */

import { type Doing, doingOf, keptDoing, type SeenDoing } from "../core/doing.ts";
import type { Pid } from "../core/pid.ts";
import type { StartTimer } from "../core/timer.ts";
import type { WaitState } from "../core/waits.ts";
import { type OsProcess, readOsProcess } from "./os_process.ts";

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

/** A process that has used more than this share of the time computes. */
const COMPUTES = 1 / 2;
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
  /** The last look: its time, the CPU time that it saw, and how far communication had come. */
  #lastMs: number;
  #cpuMs: number | undefined;
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
    this.#startMs = this.#lastMs = this.#sameSinceMs = this.#now();
    this.#cpuMs = this.#read(options.osPid)?.cpuMs;
    this.#arm();
  }

  /** Looks no more, and tells nothing more. */
  stop(): void {
    this.#stopped = true;
    this.#stopTimer();
  }

  #arm(): void {
    const now = this.#now();
    const { processes, startTimer } = this.#options;
    const afterMs = nextLookMs(now - this.#startMs, now - this.#sameSinceMs, processes());
    this.#stopTimer = startTimer(afterMs, () => void this.#look());
  }

  async #look(): Promise<void> {
    // Where several timers are due at once, one that has just been cancelled may still fire.
    if (this.#stopped) return;
    const [beforeMs, nowMs] = [this.#lastMs, this.#now()];
    const share = this.#cpuShare(nowMs);
    if (share > COMPUTES) await this.#saw({ activity: "computes" }, beforeMs, nowMs - beforeMs);
    else {
      const state = await this.#options.ask();
      if (this.#stopped || state === undefined) return;
      const progress = state.state === "waits" ? state.report.progress : undefined;
      if (progress !== this.#progress) this.#sameSinceMs = nowMs;
      this.#progress = progress;
      const answeredMs = this.#now();
      const doing = state.state === "computes"
        ? this.#silent(answeredMs)
        : keptDoing(doingOf(state));
      const time = state.state === "computes" ? nowMs : answeredMs;
      await this.#saw(doing, time, answeredMs - beforeMs);
    }
    if (!this.#stopped) this.#arm();
  }

  /** What a process does that has not answered a question. */
  #silent(nowMs: number): Doing {
    const seen = this.#read(this.#options.osPid);
    // On a busy machine it may be ready to compute, and get little of the CPU.
    const computes = this.#cpuShare(nowMs) > COMPUTES || seen === undefined || seen.state === "R";
    return { activity: computes ? "computes" : "silent" };
  }

  /** The share of the time since the last look that the process has used; 0 if the system does not tell. */
  #cpuShare(nowMs: number): number {
    const cpuMs = this.#read(this.#options.osPid)?.cpuMs;
    const usedMs = (cpuMs ?? 0) - (this.#cpuMs ?? 0);
    const forMs = nowMs - this.#lastMs;
    [this.#cpuMs, this.#lastMs] = [cpuMs, nowMs];
    return forMs > 0 ? usedMs / forMs : 0;
  }

  async #saw(doing: Doing, time: number, everyMs: number): Promise<void> {
    const text = JSON.stringify(doing);
    if (text === this.#told) return;
    this.#told = text;
    this.#sameSinceMs = time;
    await this.#options.tell({ pid: this.#options.pid, doing, time, everyMs });
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
