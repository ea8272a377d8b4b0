/** What is known of a run as a whole: an entry in the list of runs, and the way to find one by its name. */

import { visibleName } from "./visible.ts";

/** One run, running or ended. Times are in milliseconds since the epoch. */
export interface RunEntry {
  readonly id: string;
  /** What the run is called: by default the file of its program. */
  readonly name: string;
  /** Who started it: as that machine said, `user@host`, or the name in an invitation, which has no `@`. */
  readonly by: string;
  /** The address it was deployed from. */
  readonly from: string;
  readonly startedMs: number;
  /** `null` while it runs. */
  readonly endedMs: number | null;
  /** Its exit status; `null` while it runs. */
  readonly code: number | null;
  /** How many processes it has now. */
  readonly running: number;
  /** How many processes it has had. */
  readonly spawned: number;
}

/** The state of a run, for people. */
export type RunPhase = "waiting" | "running" | "ended";

/** Whether its first process has yet to start, it runs, or it has ended. */
export function phaseOf({ endedMs, spawned }: RunEntry): RunPhase {
  if (endedMs !== null) return "ended";
  return spawned === 0 ? "waiting" : "running";
}

/** The result of a search: the run, or why there is not exactly one, in one line. */
export type FoundRun = { readonly run: RunEntry } | { readonly why: string };

/**
 * The run that a person means: by its id, the start of one, or its name where that is unique. Nothing means
 * the one that runs, if there is exactly one. Of several with the same name, one that runs is meant.
 */
export function findRun(query: string, runs: readonly RunEntry[]): FoundRun {
  const running = runs.filter(({ endedMs }) => endedMs === null);
  if (query === "") {
    if (running.length === 1) return { run: running[0]! };
    return {
      why: running.length === 0
        ? "no run is running; name one that has ended: see deploy ps"
        : `${running.length} runs are running; name one: ${listed(running)}`,
    };
  }
  const exact = runs.find(({ id }) => id === query);
  if (exact !== undefined) return { run: exact };
  const named = runs.filter(({ name }) => name === query);
  const candidates = [
    named.filter(({ endedMs }) => endedMs === null),
    named,
    runs.filter(({ id }) => id.startsWith(query)),
  ].find(({ length }) => length > 0) ?? [];
  if (candidates.length === 1) return { run: candidates[0]! };
  const shown = JSON.stringify(query);
  return {
    why: candidates.length === 0
      ? `there is no run ${shown}; see deploy ps`
      : `${candidates.length} runs are called ${shown}; name one by its id: ${listed(candidates)}`,
  };
}

/** How many runs a line names. */
const NAMED = 5;

function listed(runs: readonly RunEntry[]): string {
  const names = runs.slice(0, NAMED).map(({ id, name }) => `${id} (${visibleName(name)})`).join(
    ", ",
  );
  return runs.length > NAMED ? `${names}, …` : names;
}
