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
  "it runs, detached": { opened: true, begun: true, answered: false, detached: true },
  "it is tried, to be detached": { opened: true, begun: false, answered: false, detached: true },
  "it is over": { opened: true, begun: true, answered: true, detached: false },
  "it was refused": { opened: false, begun: false, answered: true, detached: false },
};

const TOLD = { kind: "told", how: { signal: "SIGINT", graceMs: 10 } } as const;
const GONE: EndCause = { kind: "deployer-gone", graceMs: 20 };
const SIGTERM = { endRun: { signal: "SIGTERM", graceMs: 20 } } as const;
const lost = (lostMs: number): EndCause => ({
  ...{ kind: "deployer-lost", lostMs, waitMs: 30_000, graceMs: 20 },
});
const NOT_STARTED: EndCause = { kind: "not-started" };

const TABLE: [cause: EndCause, state: string, decision: EndDecision][] = [
  [TOLD, "files arrive", "drop-deployment"],
  [TOLD, "it is tried", "drop-deployment"],
  [TOLD, "it runs", { endRun: TOLD.how }],
  [TOLD, "it is over", "nothing"],
  [TOLD, "it was refused", "nothing"],
  [GONE, "files arrive", "nothing"],
  [GONE, "it is tried", SIGTERM],
  [GONE, "it is tried, to be detached", SIGTERM],
  [GONE, "it runs", SIGTERM],
  [GONE, "it runs, detached", "nothing"],
  [GONE, "it is over", "nothing"],
  [GONE, "it was refused", "nothing"],
  [lost(0), "files arrive", "nothing"],
  [lost(0), "it is tried", SIGTERM],
  [lost(0), "it is tried, to be detached", SIGTERM],
  [lost(0), "it runs", "await-deployer"],
  [lost(29_999), "it runs", "await-deployer"],
  [lost(30_000), "it runs", SIGTERM],
  [lost(30_000), "it runs, detached", "nothing"],
  [lost(30_000), "it is over", "nothing"],
  [NOT_STARTED, "files arrive", "nothing"],
  [NOT_STARTED, "it is tried", { endRun: KILL }],
  [NOT_STARTED, "it runs", { endRun: KILL }],
];

for (const [cause, state, decision] of TABLE) {
  const what = "lostMs" in cause ? `${cause.kind} ${cause.lostMs} ms ago` : cause.kind;
  Deno.test(`decideEnd(): ${what}, while ${state}: ${JSON.stringify(decision)}`, () => {
    assertEquals(decideEnd(cause, STATES[state]!), decision);
  });
}

const HOW: [cause: EndCause, how: Termination][] = [
  [TOLD, { signal: "SIGINT", graceMs: 10 }],
  [GONE, { signal: "SIGTERM", graceMs: 20 }],
  [lost(0), { signal: "SIGTERM", graceMs: 20 }],
  [NOT_STARTED, KILL],
  [{ kind: "bridge-gone" }, { signal: "SIGTERM", graceMs: 3_000 }],
  [{ kind: "master-gone", silent: false }, { signal: "SIGTERM", graceMs: 3_000 }],
  [{ kind: "master-gone", silent: true }, KILL],
  [{ kind: "cluster-ends", how: TOLD.how }, TOLD.how],
];

for (const [cause, how] of HOW) {
  Deno.test(`howToEnd(): ${JSON.stringify(cause)}`, () => assertEquals(howToEnd(cause), how));
}
