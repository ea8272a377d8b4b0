/** Who ends a run, and when: every cause in every state of a deployment. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import {
  decideEnd,
  type DeploymentState,
  type EndCause,
  type EndDecision,
} from "../../src/bridge/run_end.ts";

const STATES: Record<string, DeploymentState> = {
  "files arrive": { opened: false, begun: false, answered: false },
  "it is tried": { opened: true, begun: false, answered: false },
  "it runs": { opened: true, begun: true, answered: false },
  "it is over": { opened: true, begun: true, answered: true },
  "it was refused": { opened: false, begun: false, answered: true },
};

const TABLE: [cause: EndCause, state: string, decision: EndDecision][] = [
  ["told", "files arrive", "drop-deployment"],
  ["told", "it is tried", "drop-deployment"],
  ["told", "it runs", "end-run"],
  ["told", "it is over", "nothing"],
  ["told", "it was refused", "nothing"],
  ["deployer-gone", "files arrive", "nothing"],
  ["deployer-gone", "it is tried", "end-run"],
  ["deployer-gone", "it runs", "end-run"],
  ["deployer-gone", "it is over", "nothing"],
  ["deployer-gone", "it was refused", "nothing"],
  ["not-started", "files arrive", "nothing"],
  ["not-started", "it is tried", "end-run"],
  ["not-started", "it runs", "end-run"],
];

for (const [cause, state, decision] of TABLE) {
  Deno.test(`decideEnd(): ${cause} while ${state}: ${decision}`, () => {
    assertEquals(decideEnd(cause, STATES[state]!), decision);
  });
}
