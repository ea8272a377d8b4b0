/** What a process does, as a look at it now and then shows: the raw material of a trace. */

import type { Pid } from "./pid.ts";
import { MAX_NAME, type Wait, type WaitState } from "./waits.ts";

/**
 * What a process does.
 *
 * - `computes`: its code runs.
 * - `silent`: it does not answer, and does not compute: a call blocks it, it stands at a breakpoint, or its machine
 *   is very busy.
 * - `idle`: it waits for timers, or I/O of its own.
 * - `stopped`: by a signal.
 * - `waits`: for that, first of all.
 */
export type Doing =
  | { readonly activity: "computes" | "silent" | "idle" | "stopped" }
  | { readonly activity: "waits"; readonly wait: Wait };

/** A look at a process that has shown another {@linkcode Doing} than the look before. */
export interface SeenDoing {
  readonly pid: Pid;
  readonly doing: Doing;
  /** Since when, as far as that was seen: in milliseconds since the epoch, by the clock of its node. */
  readonly time: number;
  /** The time between the two looks: the change may have come that much earlier, or later. */
  readonly everyMs: number;
  /** The CPU time that it had used until `time`; without it, the system does not tell. */
  readonly cpuMs?: number;
}

/** What a process does that has been asked what it waits for. */
export function doingOf(state: WaitState): Doing {
  if (state.state !== "waits") return { activity: state.state };
  const [first] = state.report.waits;
  return first === undefined ? { activity: "idle" } : { activity: "waits", wait: first };
}

/** The same as it is kept: without what changes all the time, such as unread bytes, and with short names. */
export function keptDoing(doing: Doing): Doing {
  return doing.activity === "waits" ? { ...doing, wait: keptWait(doing.wait) } : doing;
}

function keptWait(wait: Wait): Wait {
  switch (wait.kind) {
    case "send":
      return { ...wait, name: cut(wait.name), unreadBytes: 0 };
    case "deliver":
      return { ...wait, bytes: 0 };
    case "recv":
    case "accept":
    case "spawn":
      return { ...wait, name: cut(wait.name) };
    case "reach":
      return { ...wait, why: wait.why.slice(0, 4 * MAX_NAME) };
    default:
      return wait;
  }
}

function cut(name: string): string {
  return name.slice(0, MAX_NAME);
}
