/** Detects that no process of a run can continue, since each waits for another one. */

import type { Pid } from "../core/pid.ts";
import type { Wait, WaitState } from "../core/waits.ts";
import { describeWait, type NamedProcess, titlesOf } from "./wait_lines.ts";

/** What is not seen from outside of a program's code. */
const UNLESS = " (unless a timer or input of their own wakes them)";

/**
 * Returns one line, with the circle, if every process of a run waits for another one of it: then none of
 * them ever continues. Otherwise returns `undefined`.
 *
 * A run is not at a standstill if one of its processes computes, may be woken by a timer of `after()` or by
 * input of its own, or waits for something other than a process. A program's own timers are not seen.
 */
export function standstillText(
  processes: readonly NamedProcess[],
  states: ReadonlyMap<Pid, WaitState>,
): string | undefined {
  const running = new Set(processes.map(({ pid }) => pid));
  const edges = new Map<Pid, Wait>();
  for (const { pid } of processes) {
    const state = states.get(pid);
    if (state?.state !== "waits") return undefined;
    const { waits, count, mayWake } = state.report;
    if (count === 0 || count > waits.length || mayWake) return undefined;
    if (!waits.every((wait) => isUpToProcesses(wait, running))) return undefined;
    edges.set(pid, waits.find((wait) => "remote" in wait) ?? waits[0]!);
  }
  const title = titlesOf(processes);
  const describe = (pid: Pid) => `${title(pid)}: ${describeWait(edges.get(pid)!, title)}`;
  const circle = findCircle(processes[0]?.pid, edges);
  if (circle !== undefined) {
    return `processes wait for each other, in a circle: ${
      circle.map(describe).join("; ")
    }${UNLESS}`;
  }
  if (processes.length === 0) return undefined;
  const all = processes.map(({ pid }) => describe(pid)).join("; ");
  return `no process can go on, since each waits for another one: ${all}${UNLESS}`;
}

/** Whether only another running process can end this wait. */
function isUpToProcesses(wait: Wait, running: ReadonlySet<Pid>): boolean {
  switch (wait.kind) {
    case "recv":
    case "send":
    case "wait":
    case "deliver":
      // The end of one that is gone will be known soon.
      return running.has(wait.remote);
    case "accept":
      return true;
    case "after":
    case "kill":
    case "reach":
    case "spawn":
      return false;
  }
}

/** The circle that is reached by following who waits for whom, in order. */
function findCircle(
  first: Pid | undefined,
  edges: ReadonlyMap<Pid, Wait>,
): Pid[] | undefined {
  const path: Pid[] = [];
  let at = first;
  while (at !== undefined && !path.includes(at)) {
    path.push(at);
    const wait = edges.get(at);
    at = wait !== undefined && "remote" in wait ? wait.remote : undefined;
  }
  return at === undefined ? undefined : path.slice(path.indexOf(at));
}
