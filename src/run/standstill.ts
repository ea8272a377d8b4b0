/** Finds out that no process of a run can go on, since each waits for another one. */

import type { Pid } from "../core/pid.ts";
import type { Wait, WaitState } from "../core/waits.ts";
import { describeWait, type NamedProcess, titlesOf } from "./wait_lines.ts";

/** What is not seen from outside of a program's code. */
const UNLESS = " (unless a timer or input of their own wakes them)";

/**
 * Says that every process of a run waits for another one of it, if that is so: then none of them ever
 * goes on by itself. In one line, with the circle in which they wait.
 *
 * A process that computes, that a timer of `after()` or input of its own may wake, or that waits for
 * something else than a process, is not at a standstill, and neither is its run. Timers that a program
 * has set by itself are not seen.
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

/** Whether only a process that runs can end this wait, by going on. */
function isUpToProcesses(wait: Wait, running: ReadonlySet<Pid>): boolean {
  switch (wait.kind) {
    case "recv":
    case "send":
    case "wait":
    case "deliver":
      // The end of one that is gone is about to be known.
      return running.has(wait.remote);
    case "accept":
      return true;
    case "after":
    case "kill":
    case "spawn":
      return false;
  }
}

/** The processes that are reached again and again, in their order, if one follows who waits for whom. */
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
