/** Samples of the processes of a run, in the words in which they are shown. */

import type { Pid } from "../core/pid.ts";
import type { Activity, NodeSample, ProcessSample } from "../core/samples.ts";
import type { WaitState } from "../core/waits.ts";
import { describeState, type NamedProcess, titlesOf, type WaitContext } from "./wait_lines.ts";

/**
 * A sample of each process, in order. One without an answer has just ended, and is left out, unless its node
 * does not answer.
 */
export function describeSamples(
  processes: readonly (NamedProcess & { readonly node?: string | null })[],
  samples: ReadonlyMap<Pid, NodeSample>,
  { silent = new Set(), spawns = [] }: WaitContext = {},
): ProcessSample[] {
  const titles = titlesOf(processes);
  return processes.flatMap(({ pid, node = null }): ProcessSample[] => {
    const sample = samples.get(pid);
    if (sample !== undefined) {
      const { state, usage, traffic } = sample;
      const own = spawns.filter(({ parent }) => parent === pid);
      const waits = describeState(state, titles, own);
      return [{ pid, activity: activityOf(state), on: awaited(state), waits, usage, traffic }];
    }
    if (node === null || !silent.has(node)) return [];
    const waits = `its node ${node} does not answer`;
    return [{ pid, activity: "silent", on: null, waits, usage: null, traffic: [] }];
  });
}

function activityOf(state: WaitState): Activity {
  switch (state.state) {
    case "computes":
    case "silent":
    case "stopped":
      return state.state;
    case "waits":
      return state.report.count === 0 ? "idle" : "waits";
  }
}

/** The one process that can end the waiting; `null` if there is none, or there are several. */
function awaited(state: WaitState): Pid | null {
  if (state.state !== "waits") return null;
  const remotes = new Set(state.report.waits.map((wait) => "remote" in wait ? wait.remote : null));
  const [only = null] = remotes;
  return remotes.size === 1 ? only : null;
}
