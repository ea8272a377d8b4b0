/** Who ends a run, and when: every cause in every state of a deployment. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import {
  decideEnd,
  type DeploymentState,
  type EndCause,
  type EndDecision,
  howToEnd,
} from "../../src/core/run_end.ts";
import { KILL, type Termination } from "../../src/core/signals.ts";

const STATES: Record<string, DeploymentState> = {
  "files arrive": { opened: false, begun: false, answered: false, detached: false },
  "it is tried": { opened: true, begun: false, answered: false, detached: false },
  "it runs": { opened: true, begun: true, answered: false, detached: false },
  "it is over": { opened: true, begun: true, answered: true, detached: false },
  "it was refused": { opened: false, begun: false, answered: true, detached: false },
};

const TOLD = { kind: "told", how: { signal: "SIGINT", graceMs: 10 } } as const;
const GONE: EndCause = { kind: "deployer-gone", graceMs: 20 };
const NOT_STARTED: EndCause = { kind: "not-started" };

const TABLE: [cause: EndCause, state: string, decision: EndDecision][] = [
  [TOLD, "files arrive", "drop-deployment"],
  [TOLD, "it is tried", "drop-deployment"],
  [TOLD, "it runs", { endRun: TOLD.how }],
  [TOLD, "it is over", "nothing"],
  [TOLD, "it was refused", "nothing"],
  [GONE, "files arrive", "nothing"],
  [GONE, "it is tried", { endRun: { signal: "SIGTERM", graceMs: 20 } }],
  [GONE, "it runs", { endRun: { signal: "SIGTERM", graceMs: 20 } }],
  [GONE, "it is over", "nothing"],
  [GONE, "it was refused", "nothing"],
  [NOT_STARTED, "files arrive", "nothing"],
  [NOT_STARTED, "it is tried", { endRun: KILL }],
  [NOT_STARTED, "it runs", { endRun: KILL }],
];

for (const [cause, state, decision] of TABLE) {
  Deno.test(`decideEnd(): ${cause.kind} while ${state}: ${JSON.stringify(decision)}`, () => {
    assertEquals(decideEnd(cause, STATES[state]!), decision);
  });
}

const HOW: [cause: EndCause, how: Termination][] = [
  [TOLD, { signal: "SIGINT", graceMs: 10 }],
  [GONE, { signal: "SIGTERM", graceMs: 20 }],
  [NOT_STARTED, KILL],
  [{ kind: "bridge-gone" }, { signal: "SIGTERM", graceMs: 3_000 }],
  [{ kind: "master-gone", silent: false }, { signal: "SIGTERM", graceMs: 3_000 }],
  [{ kind: "master-gone", silent: true }, KILL],
  [{ kind: "cluster-ends", how: TOLD.how }, TOLD.how],
];

for (const [cause, how] of HOW) {
  Deno.test(`howToEnd(): ${JSON.stringify(cause)}`, () => assertEquals(howToEnd(cause), how));
}
