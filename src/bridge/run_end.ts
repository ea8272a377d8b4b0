/** Who ends a run before its last process has ended, and when: the one place where that is decided. */

/** Something that may end a run. */
export type EndCause =
  /** Whoever deployed it has said that it is to end. */
  | "told"
  /** The connection to whoever deployed it has ended. */
  | "deployer-gone"
  /** Its program could not be tried, or its first process not be started. */
  | "not-started";

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
  /** Every process of the run is ended; its last events still come. */
  | "end-run"
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
  switch (cause) {
    case "told":
      return opened && begun ? "end-run" : "drop-deployment";
    case "deployer-gone":
    case "not-started":
      return opened ? "end-run" : "nothing";
  }
}
