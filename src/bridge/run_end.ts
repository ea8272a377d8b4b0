/** Who ends a run before its last process has ended, and when: the one place where that is decided. */

import { KILL, ORPHANED, type Termination } from "../core/signals.ts";

/** Something that may end a run. */
export type EndCause =
  /** Whoever deployed it has said that it is to end, and how. */
  | { readonly kind: "told"; readonly how: Termination }
  /** The connection to whoever deployed it has ended; the grace is what was said when it was deployed. */
  | { readonly kind: "deployer-gone"; readonly graceMs: number }
  /** Its program could not be tried, or its first process not be started. */
  | { readonly kind: "not-started" };

/** How far a deployment has come. */
export interface DeploymentState {
  /** The master knows of a run. */
  readonly opened: boolean;
  /** The run's first process has been asked for. */
  readonly begun: boolean;
  /** Whoever deployed has been sent the last message: the run is over, or will not be. */
  readonly answered: boolean;
}

/** What is done. */
export type EndDecision =
  /** Every process of the run is ended so; its last events still come. */
  | { readonly endRun: Termination }
  /** The deployment is dropped, since there is no run yet that could end in order. */
  | "drop-deployment"
  /** Nothing: there is no run, or it is over. */
  | "nothing";

/**
 * What happens to a run for that cause.
 *
 * A run belongs to the connection of whoever deployed it, for now: it ends when that does. It also ends
 * with its bridge, which the master sees to, and with the cluster.
 */
export function decideEnd(cause: EndCause, deployment: DeploymentState): EndDecision {
  const { opened, begun, answered } = deployment;
  if (answered) return "nothing";
  switch (cause.kind) {
    case "told":
      return opened && begun ? { endRun: cause.how } : "drop-deployment";
    case "deployer-gone":
      return opened ? { endRun: { ...ORPHANED, graceMs: cause.graceMs } } : "nothing";
    case "not-started":
      return opened ? { endRun: KILL } : "nothing";
  }
}
