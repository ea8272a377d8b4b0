/** What a person means who names a run or one of its processes. */

import { findRun, type FoundRun, type RunEntry } from "./run_entry.ts";
import { type Pid, shortPid } from "./pid.ts";
import { visibleName } from "./visible.ts";

/** A running process, and its run. */
export interface ProcessTarget {
  readonly run: RunEntry;
  readonly process: { readonly pid: Pid; readonly name: string };
}

/** The result of a search: a run, a process, or why there is not exactly one, in one line. */
export type FoundTarget = FoundRun | ProcessTarget;

/** The beginning of a Pid, or all of it. */
const PID_START = /^[0-9a-f]{1,32}(?:@\S*)?$/;

/** How many processes a line names. */
const NAMED = 5;

/**
 * The run that a person means, as {@linkcode findRun}, or else the running process whose Pid begins so, of
 * whichever run.
 */
export function findTarget(
  query: string,
  runs: readonly RunEntry[],
  processes: () => Iterable<ProcessTarget>,
): FoundTarget {
  const found = findRun(query, runs);
  if ("run" in found || !PID_START.test(query)) return found;
  const begun = [...processes()].filter(({ process }) => process.pid.startsWith(query));
  if (begun.length === 1) return begun[0]!;
  if (begun.length > 1) {
    const named = begun.slice(0, NAMED).map(({ process, run }) =>
      `${process.pid.split("@")[0]} (${visibleName(process.name)} of ${run.id})`
    );
    const more = begun.length > NAMED ? ", …" : "";
    return {
      why: `the Pids of ${begun.length} processes begin with ${JSON.stringify(query)}: ${
        named.join(", ")
      }${more}`,
    };
  }
  return {
    why: `there is no run, and no running process, ${JSON.stringify(query)}; see deploy ps`,
  };
}

/** `process 8a3be21 worker of run bafo-kine`, or `run bafo-kine (main.ts)`. */
export function describeTarget(run: RunEntry, process: ProcessTarget["process"] | null): string {
  return process === null
    ? `run ${run.id} (${visibleName(run.name)})`
    : `process ${shortPid(process.pid)} ${visibleName(process.name)} of run ${run.id}`;
}
