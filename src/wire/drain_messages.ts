/** The messages of a master with somebody who drains one of its nodes: `fabric drain`. */

import { integer, listOf, type Schema, text } from "./schema.ts";

/** The request; each connection makes one. `node` is an address, and `by` who asks: `user@host`. */
export type DrainToMaster = { type: "drain"; node: string; by: string };

/** The answers of a master. */
export type MasterToDrain =
  /**
   * Nothing more is placed on the node. So many processes are left there, or being started, of these runs and
   * maybe more. Comes again whenever that changes; the last one has no processes.
   */
  | { type: "left"; processes: number; runs: string[] }
  /** Why the node cannot be drained, or drained any further, in one line. */
  | { type: "refused"; why: string };

/** The most runs that a message names. */
export const MAX_LEFT_RUNS = 16;

export const DRAIN_TO_MASTER: Schema<DrainToMaster> = { drain: { node: text, by: text } };

export const MASTER_TO_DRAIN: Schema<MasterToDrain> = {
  left: { processes: integer, runs: listOf(text, MAX_LEFT_RUNS) },
  refused: { why: text },
};
