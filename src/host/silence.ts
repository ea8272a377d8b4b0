/** What it means that a process does not answer: it computes, or one of its calls blocks it. Pure. */

import type { OsProcess } from "./os_process.ts";

/** A process that has used more than this share of the time computes. */
export const COMPUTES = 1 / 2;
/** The same of one that does not answer, and is ready to run: on a busy machine it gets little of the CPU. */
const COMPUTES_READY = 1 / 10;

/** A moment in the life of a process: its time, and the CPU time until then, if the system tells. */
export interface Moment {
  readonly timeMs: number;
  readonly seen: OsProcess | undefined;
}

/** The share of the time between two moments in which the process used the CPU; 0 if that is not known. */
export function cpuShare(from: Moment, to: Moment): number {
  const usedMs = (to.seen?.cpuMs ?? 0) - (from.seen?.cpuMs ?? 0);
  const forMs = to.timeMs - from.timeMs;
  return forMs > 0 ? usedMs / forMs : 0;
}

/** What a process does that has not answered between two moments. It computes where the system does not tell. */
export function silenceOf(from: Moment, to: Moment): "computes" | "silent" {
  const enough = to.seen?.state === "R" ? COMPUTES_READY : COMPUTES;
  return to.seen === undefined || cpuShare(from, to) > enough ? "computes" : "silent";
}
