/** What a process does at one moment: what those who look at a run are shown, again and again. */

import type { Pid } from "./pid.ts";
import type { PeerTraffic, WaitState } from "./waits.ts";

/** What a process uses, with all that it has started. */
export interface SampledUsage {
  /** In bytes. */
  readonly memBytes: number;
  /** So far. */
  readonly cpuMs: number;
  /** How long ago its node has looked, in ms: of very many processes, each is looked at seldom. */
  readonly ageMs: number;
}

/** A sample as the node of the process takes it. */
export interface NodeSample {
  readonly pid: Pid;
  readonly state: WaitState;
  /** `null` where the system does not tell. */
  readonly usage: SampledUsage | null;
  /** What it had sent when it last answered. */
  readonly traffic: readonly PeerTraffic[];
}

/**
 * What a process does.
 *
 * - `computes`: its code runs, so that it does not answer.
 * - `waits`: for another process, or for room for one.
 * - `idle`: for timers, or I/O of its own.
 * - `stopped`: by a signal.
 * - `silent`: it does not answer, and does not compute; or its node does not answer.
 */
export type Activity = "computes" | "waits" | "idle" | "stopped" | "silent";

/** All of them. */
export const ACTIVITIES: readonly Activity[] = ["computes", "waits", "idle", "stopped", "silent"];

/** A sample as it is shown. */
export interface ProcessSample {
  readonly pid: Pid;
  readonly activity: Activity;
  /** The process that it waits for; `null` if there is none, or any of several may end its waiting. */
  readonly on: Pid | null;
  /** What it waits for, in the words of `deploy why`. */
  readonly waits: string;
  /** `null` where that is not known. */
  readonly usage: SampledUsage | null;
  readonly traffic: readonly PeerTraffic[];
}
