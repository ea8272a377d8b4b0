/** Reports that processes of a run continue after its first one has ended. */

import type { RunEvent } from "../core/events.ts";
import { shortPid } from "../core/pid.ts";
import type { StartTimer } from "../core/timer.ts";
import { isOver, runningProcesses, type RunState } from "./run_state.ts";

/** The delay of the report after the first process's end. */
const NOTICE_MS = 2_000;

/** How many of them are named. */
const MAX_NAMED = 8;

/** What a {@linkcode SurvivorNotice} needs. */
export interface SurvivorNoticeOptions {
  /** The state of the run now. */
  readonly state: () => RunState;
  readonly startTimer: StartTimer;
  /** Takes a line for the viewers of the run. */
  readonly say: (text: string) => void;
}

/** Reports once that other processes outlive the first one by two seconds. */
export class SurvivorNotice {
  readonly #options: SurvivorNoticeOptions;
  #stopTimer: () => void = () => {};

  constructor(options: SurvivorNoticeOptions) {
    this.#options = options;
  }

  /** Looks at the latest event of the run. */
  took(event: RunEvent): void {
    if (event.event !== "exit") return;
    const { state, startTimer, say } = this.#options;
    if (isOver(state())) return this.#stopTimer();
    if (event.pid !== state().first) return;
    this.#stopTimer = startTimer(NOTICE_MS, () => {
      const text = survivorsText(state());
      if (text !== undefined) say(text);
    });
  }
}

/** Which processes outlive the first one, in one line; `undefined` if none does. */
export function survivorsText(state: RunState): string | undefined {
  if (state.firstStatus === null || isOver(state)) return undefined;
  const others = runningProcesses(state);
  const named = others.slice(0, MAX_NAMED).map(({ pid, name }) => `${shortPid(pid)} ${name}`);
  const more = others.length > MAX_NAMED ? [`and ${others.length - MAX_NAMED} more`] : [];
  const count = others.length === 1 ? "1 other still runs" : `${others.length} others still run`;
  return `the first process has ended; ${count}: ${[...named, ...more].join(", ")}`;
}
