/** What a master keeps of each of its nodes, connected or not. */

import type { DrainSession } from "./drain_session.ts";
import type { NodeDialer } from "./node_dialer.ts";
import type { Avoidance } from "./node_avoidance.ts";
import type { NodeReturns } from "./node_returns.ts";
import type { RemoteNode } from "./remote_node.ts";

/** A node known to this master. */
export interface KnownNode {
  readonly dialer: NodeDialer;
  /** Whether it has joined; otherwise it was listed at the start, and is never removed. */
  readonly joined: boolean;
  /** The connection on which it announced itself, while that is open. */
  announcement: { drop(): void } | undefined;
  /** The id of its fabric, when it was last connected. */
  fabric: string;
  /** Why nothing more is placed there, until its fabric is started again. */
  closed: "draining" | "leaving" | undefined;
  /** Those who are told what is left there. */
  readonly drains: Set<DrainSession>;
  avoidance: Avoidance;
  /** Cancels the end of the pause in which it is avoided. */
  endPause: () => void;
  /** For those who have to know what it had begun when it was lost. */
  readonly returns: NodeReturns<RemoteNode>;
}
