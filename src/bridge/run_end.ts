/** Decides who ends a run before its last process has ended, and when. */

import { KILL, ORPHANED, type Termination } from "../core/signals.ts";

/** Something that may end a run. */
export type EndCause =
  /** Deploy has requested its end, and how. */
  | { readonly kind: "told"; readonly how: Termination }
  /** The connection to deploy has ended; the grace is the one given at the start. */
  | { readonly kind: "deployer-gone"; readonly graceMs: number }
  /** Its trial boot failed, or its first process could not be started. */
  | { readonly kind: "not-started" };

/** The progress of a deployment. */
export interface DeploymentState {
  /** The master knows of a run. */
  readonly opened: boolean;
  /** The run's first process has been asked for. */
  readonly begun: boolean;
  /** Deploy has been sent the last message: the run is over, or never begins. */
  readonly answered: boolean;
}

/** What is done. */
export type EndDecision =
  /** Every process of the run is ended this way; its last events are still sent. */
  | { readonly endRun: Termination }
  /** The deployment is dropped, since there is no run yet that could end in order. */
  | "drop-deployment"
  /** Nothing: there is no run, or it is over. */
  | "nothing";

/**
 * The action for that cause.
 *
 * For now, a run belongs to the connection of deploy, and ends with it. It also ends with its bridge, which
 * the master ensures, and with the cluster.
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
