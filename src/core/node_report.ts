/** What a master knows of a node, for people. */

import type { Resources } from "./resources.ts";

/**
 * - `up`: it is connected, and takes processes.
 * - `draining`: it is connected, and takes no more, since `fabric drain` has asked for that.
 * - `leaving`: it is connected, and takes no more, since its fabric is ending.
 * - `failing`: it is connected, but could not start processes lately: until it is tried again, after a while, it
 *   gets only those that fit nowhere else.
 * - `frozen`: something is there, and does not answer: it is stopped, or cut off.
 * - `away`: it has not come yet, or has gone.
 */
export type NodeState = "up" | "draining" | "leaving" | "failing" | "frozen" | "away";

/** All of them. */
export const NODE_STATES: readonly NodeState[] = [
  "up",
  "draining",
  "leaving",
  "failing",
  "frozen",
  "away",
];

/** One node of a cluster. */
export interface NodeReport {
  /** Its address. */
  readonly node: string;
  readonly state: NodeState;
  /** Why it is not up, in a few words; empty if it is, or that is not known. */
  readonly why: string;
  /** What it lends; `null` where it has not said yet. */
  readonly capacity: Readonly<Resources> | null;
  /** What processes there, and those that start, have asked for. */
  readonly inUse: Readonly<Resources>;
  /** Their number. */
  readonly processes: number;
}

/** What is known of the connection to a node. */
export interface NodeLinkState {
  readonly connected: boolean;
  /** How long nothing has come on the connection, in ms. */
  readonly silentMs: number;
  /** Why there is no connection; empty if that is not known. */
  readonly why: string;
  /** Whether the last connection, or attempt, ended because nothing came. */
  readonly wasSilent: boolean;
  /** Why no processes are placed there. */
  readonly closed: "draining" | "leaving" | undefined;
  /** Why it cannot start processes; `null` if it can. */
  readonly fault: string | null;
}

/** So many heartbeats that did not come are no coincidence. */
const MISSED_HEARTBEATS = 3;

/** The state of a node, and why, from what is known of the connection to it. */
export function nodeState(
  { connected, silentMs, why, wasSilent, closed, fault }: NodeLinkState,
  heartbeatMs: number,
): Pick<NodeReport, "state" | "why"> {
  if (!connected) return { state: wasSilent ? "frozen" : "away", why };
  if (silentMs >= MISSED_HEARTBEATS * heartbeatMs) {
    return { state: "frozen", why: `has not answered for ${Math.round(silentMs / 1_000)} s` };
  }
  if (closed !== undefined) return { state: closed, why: "" };
  return fault === null ? { state: "up", why: "" } : { state: "failing", why: fault };
}
