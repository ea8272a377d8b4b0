/**
 * Decides who ends a run before its last process has ended, and how: for the bridge, the master and the
 * nodes, each of which notices some of the causes.
 */

import { KILL, ORPHANED, type Termination } from "./signals.ts";

/** Something that ends a run. */
export type EndCause =
  /** Deploy has requested its end, and how. */
  | { readonly kind: "told"; readonly how: Termination }
  /** Deploy has ended, and does not come back; the grace is the one given at the start. */
  | { readonly kind: "deployer-gone"; readonly graceMs: number }
  /** The connection to deploy was lost `lostMs` ago; it has `waitMs` to connect again. */
  | {
    readonly kind: "deployer-lost";
    readonly lostMs: number;
    readonly waitMs: number;
    readonly graceMs: number;
  }
  /** Its trial boot failed, or its first process could not be started. */
  | { readonly kind: "not-started" }
  /** The bridge that keeps it is gone: its output would be lost, and nobody could end it. */
  | { readonly kind: "bridge-gone" }
  /** The master is gone, for one of its nodes. `silent`: the connection has not ended, but nothing comes. */
  | { readonly kind: "master-gone"; readonly silent: boolean }
  /** The cluster has been told to stop, and how. */
  | { readonly kind: "cluster-ends"; readonly how: Termination };

/** How the processes of a run are ended for that cause. */
export function howToEnd(cause: EndCause): Termination {
  switch (cause.kind) {
    case "told":
    case "cluster-ends":
      return cause.how;
    case "deployer-gone":
    case "deployer-lost":
      return { ...ORPHANED, graceMs: cause.graceMs };
    case "not-started":
      return KILL;
    case "bridge-gone":
      return ORPHANED;
    case "master-gone":
      // A silent master soon declares these processes lost, and they have to be gone by then.
      return cause.silent ? KILL : ORPHANED;
  }
}

/** The progress of a deployment. */
export interface DeploymentState {
  /** The master knows of a run. */
  readonly opened: boolean;
  /** The run's first process has been asked for. */
  readonly begun: boolean;
  /** Deploy has been sent the last message: the run is over, or never begins. */
  readonly answered: boolean;
  /** The run goes on without deploy. */
  readonly detached: boolean;
}

/** What is done about a deployment. */
export type EndDecision =
  /** Every process of the run is ended this way; its last events are still sent. */
  | { readonly endRun: Termination }
  /** The run goes on, for a deploy that may connect again. */
  | "await-deployer"
  /** The deployment is dropped, since there is no run yet that could end in order. */
  | "drop-deployment"
  /** Nothing: there is no run, or it is over. */
  | "nothing";

/**
 * The action of the bridge for that cause. A run belongs to the deploy that started it: it ends with it, and
 * some time after the last connection to it, unless it is detached. Before it has begun, it belongs to that
 * connection.
 */
export function decideEnd(cause: EndCause, deployment: DeploymentState): EndDecision {
  const { opened, begun, answered, detached } = deployment;
  const isAway = cause.kind === "deployer-gone" || cause.kind === "deployer-lost";
  if (answered || (isAway && detached && begun)) return "nothing";
  if (cause.kind === "deployer-lost" && begun && cause.lostMs < cause.waitMs) {
    return "await-deployer";
  }
  if (cause.kind === "told" && !(opened && begun)) return "drop-deployment";
  return opened ? { endRun: howToEnd(cause) } : "nothing";
}
