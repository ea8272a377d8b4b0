/** What the processes of a run wait for, as text: one line per process. */

import { type Pid, shortPid } from "../core/pid.ts";
import { formatMem } from "../core/resources.ts";
import type { Wait, WaitState } from "../core/waits.ts";

/** The name of a process. */
export interface NamedProcess {
  readonly pid: Pid;
  readonly name: string;
}

/** How many waits of one process are listed. */
const MAX_TOLD = 4;

/** Longer titles do not widen the column. */
const MAX_COLUMN = 40;

/**
 * One line for each process, in order: its title, and what it waits for, in a second column. A process
 * without an answer has just ended, and has no line.
 */
export function waitLines(
  processes: readonly NamedProcess[],
  states: ReadonlyMap<Pid, WaitState>,
): string[] {
  const titles = titlesOf(processes);
  const known = processes.filter(({ pid }) => states.has(pid));
  const widths = known.map(({ pid }) => titles(pid).length);
  const column = Math.min(MAX_COLUMN, Math.max(0, ...widths));
  return known.map(({ pid }) =>
    `${titles(pid).padEnd(column)}   ${describeState(states.get(pid)!, titles)}`
  );
}

/** Gives the title of a process by its Pid: the displayed digits, and its name. */
export function titlesOf(processes: readonly NamedProcess[]): (pid: Pid) => string {
  const names = new Map(processes.map(({ pid, name }) => [pid, name]));
  return (pid) => {
    const name = names.get(pid);
    return name === undefined ? shortPid(pid) : `${shortPid(pid)} ${name}`;
  };
}

/** One wait as text: `recv from 3fecd01 main.ts "jobs"`. */
export function describeWait(wait: Wait, title: (pid: Pid) => string): string {
  switch (wait.kind) {
    case "recv":
      return `recv from ${title(wait.remote)}${quoted(wait.name)}`;
    case "send": {
      const unread = formatMem(wait.unreadBytes);
      const why = wait.received ? "window full" : "no Receiver yet";
      return `send to ${title(wait.remote)}${quoted(wait.name)} (${why}: ${unread} unread)`;
    }
    case "accept":
      return `accept${quoted(wait.name)}`;
    case "wait":
      return `wait ${title(wait.remote)}`;
    case "kill":
      return `kill ${title(wait.remote)}`;
    case "after":
      return "after()";
    case "spawn":
      return `spawn ${wait.name}`;
    case "reach":
      return `cannot reach ${title(wait.remote)} at ${wait.address}: ${wait.why}`;
    case "deliver":
      return `delivering ${formatMem(wait.bytes)} to ${title(wait.remote)}`;
  }
}

function describeState(state: WaitState, title: (pid: Pid) => string): string {
  if (state.state === "computes") return `computing for ${Math.round(state.forMs / 1_000)} s`;
  if (state.state === "stopped") return "stopped by a signal";
  const { waits, count } = state.report;
  if (count === 0) return "timers, or I/O of its own";
  const told = waits.slice(0, MAX_TOLD);
  const isSelect = (wait: Wait) => "select" in wait && wait.select;
  const choices = told.filter(isSelect).map((wait) => describeWait(wait, title));
  const others = told.filter((wait) => !isSelect(wait)).map((wait) => describeWait(wait, title));
  const parts = choices.length === 0 ? others : [...others, `select: ${choices.join(" or ")}`];
  const more = count > told.length ? [`${count - told.length} more`] : [];
  return [...parts, ...more].join("; ");
}

function quoted(name: string): string {
  return name === "" ? "" : ` ${JSON.stringify(name)}`;
}
