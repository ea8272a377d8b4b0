/** Watches a quiet run, and reports a standstill. */

import type { Pid } from "../core/pid.ts";
import type { StartTimer } from "../core/timer.ts";
import type { WaitState } from "../core/waits.ts";
import { runningProcesses, type RunState } from "./run_state.ts";
import { standstillText } from "./standstill.ts";

/** How long a run has to be quiet before its processes are asked, and the first interval afterwards. */
const QUIET_MS = 1_000;

/** The interval grows up to this while their answers show no standstill. */
const MAX_QUIET_MS = 5_000;

/** How long a standstill has to be unchanged before it is reported. */
const STANDSTILL_MS = 5_000;

/** What a {@linkcode StandstillWatch} needs. */
export interface StandstillWatchOptions {
  /** The state of the run now. */
  readonly state: () => RunState;
  /** Asks the processes of the run what they wait for. */
  readonly waits: () => Promise<ReadonlyMap<Pid, WaitState>>;
  readonly startTimer: StartTimer;
  /** Takes a line for the viewers of the run. */
  readonly say: (text: string) => void;
}

/**
 * Reports once that no process of a run can continue, if this has been so for five seconds.
 *
 * An active run is not asked. In a quiet one each process is asked every 1 to 5 seconds, which takes it
 * less than a millisecond.
 */
export class StandstillWatch {
  readonly #options: StandstillWatchOptions;
  #events = 0;
  #seenEvents = 0;
  /** The last answers of the processes, if they showed a standstill. */
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

  /** Stops asking. */
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
