/** Who talks to a bridge, and what they may do. Pure. */

import type { RunEntry } from "../core/run_entry.ts";
import { visibleName } from "../core/visible.ts";

/** Somebody who deploys, or looks at runs. */
export interface Caller {
  /** The address that they connected from. */
  readonly remote: string;
  /** The name in their invitation, which is proven; `undefined` for a holder of the cluster's secret. */
  readonly invited: string | undefined;
}

/**
 * What a caller is called: the name in their invitation, whatever they say; a holder of the secret as they say,
 * `user@host`. A name with an `@` is never that of an invitation, and one without always is.
 */
export function nameOf({ invited }: Caller, says: string): string {
  return invited ?? (says.includes("@") ? says : `${says}@`);
}

/** The line of the log about what a caller did: `anna at 10.0.0.7:1234 deployed run bafo-kine (main.ts)`. */
export function didLine(caller: Caller, says: string, what: string): string {
  return `${nameOf(caller, says)} at ${caller.remote} ${what}`;
}

/**
 * Why somebody may not deploy now; `undefined` if they may.
 *
 * @param by What they are called.
 * @param mostRuns How many runs each may have at a time.
 */
export function whyNotDeploy(
  by: string,
  entries: readonly Pick<RunEntry, "id" | "by" | "endedMs">[],
  mostRuns: number,
): string | undefined {
  const own = entries.filter((each) => each.by === by && each.endedMs === null);
  if (own.length < mostRuns) return undefined;
  const runs = mostRuns === 1 ? "one run" : `${mostRuns} runs`;
  return `${by} has ${runs} already, as many as this cluster allows each at a time: wait, or end one, such as ` +
    `${own[0]!.id}: deploy kill ${own[0]!.id}`;
}

/**
 * Why a caller may not end a run or its processes, or give it stdin; `undefined` if they may: who deployed it, and
 * each holder of the secret. Everybody may look at all runs.
 */
export function whyNotControl(
  { id, name, by }: Pick<RunEntry, "id" | "name" | "by">,
  { invited }: Caller,
): string | undefined {
  if (invited === undefined || invited === by) return undefined;
  return `run ${id} (${visibleName(name)}) was deployed by ${
    visibleName(by)
  }: only they, and holders of the cluster's secret, may end it ` +
    "or give it stdin";
}
