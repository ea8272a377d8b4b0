/** Watches a run in which nothing happens, and says if it is at a standstill. */

import type { Pid } from "../core/pid.ts";
import type { StartTimer } from "../core/timer.ts";
import type { WaitState } from "../core/waits.ts";
import { runningProcesses, type RunState } from "./run_state.ts";
import { standstillText } from "./standstill.ts";

/** Processes are asked when nothing has happened in the run for so long, and then again and again. */
const QUIET_MS = 1_000;

/** As long as their answers are no standstill, they are asked less and less often, down to this. */
const MAX_QUIET_MS = 5_000;

/** A standstill is told when nothing has changed in it for so long. */
const STANDSTILL_MS = 5_000;

/** What a {@linkcode StandstillWatch} needs. */
export interface StandstillWatchOptions {
  /** The state of the run now. */
  readonly state: () => RunState;
  /** Asks the processes of the run what they wait for. */
  readonly waits: () => Promise<ReadonlyMap<Pid, WaitState>>;
  readonly startTimer: StartTimer;
  /** Takes a line for whoever looks at the run. */
  readonly say: (text: string) => void;
}

/**
 * Says once of a run that no process of it can go on, if that has been so for five seconds.
 *
 * A run in which something happens is not asked anything. In a quiet one each process is asked every 1 to
 * 5 seconds, which takes it less than a millisecond.
 */
export class StandstillWatch {
  readonly #options: StandstillWatchOptions;
  #events = 0;
  #seenEvents = 0;
  /** What the processes said last, if it was a standstill. */
  #last: string | undefined;
  #sameForMs = 0;
  #intervalMs = QUIET_MS;
  #stopTimer: () => void = () => {};
  #stopped = false;

  constructor(options: StandstillWatchOptions) {
    this.#options = options;
    this.#arm();
  }

  /** Something has happened in the run. */
  took(): void {
    this.#events++;
  }

  /** Asks nothing any more. */
  stop(): void {
    this.#stopped = true;
    this.#stopTimer();
  }

  #arm(): void {
    if (this.#stopped) return;
    this.#stopTimer = this.#options.startTimer(this.#intervalMs, () => void this.#look());
  }

  async #look(): Promise<void> {
    const isQuiet = this.#events === this.#seenEvents;
    this.#seenEvents = this.#events;
    const isStandstill = isQuiet && await this.#ask();
    if (!isStandstill) this.#last = undefined;
    const isIdle = isQuiet && !isStandstill;
    this.#intervalMs = isIdle ? Math.min(2 * this.#intervalMs, MAX_QUIET_MS) : QUIET_MS;
    this.#arm();
  }

  /** Whether no process can go on just now. */
  async #ask(): Promise<boolean> {
    const { state, waits, say } = this.#options;
    const states = await waits();
    const processes = runningProcesses(state());
    const text = standstillText(processes, states);
    // Something may have happened while they were asked.
    if (text === undefined || this.#events !== this.#seenEvents) return false;
    const said = JSON.stringify(processes.map(({ pid }) => [pid, states.get(pid)]));
    this.#sameForMs = said === this.#last ? this.#sameForMs + this.#intervalMs : 0;
    this.#last = said;
    if (this.#sameForMs >= STANDSTILL_MS) {
      this.stop();
      say(text);
    }
    return true;
  }
}
