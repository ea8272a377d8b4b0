/** What the processes of a run wait for, as text: one line per process. */

import { type Pid, shortPid } from "../core/pid.ts";
import { formatCpu, formatMem, type Resources } from "../core/resources.ts";
import { visibleLine } from "../core/visible.ts";
import type { Wait, WaitingSpawn, WaitState } from "../core/waits.ts";

/** The name of a process. */
export interface NamedProcess {
  readonly pid: Pid;
  readonly name: string;
}

/** How many waits of one process are listed. */
const MAX_TOLD = 4;

/** Longer titles do not widen the column. */
const MAX_COLUMN = 40;

/** What a process waits for, in one line. */
export interface WaitLine {
  /** `null` for the first process of a run that waits for room. */
  readonly pid: Pid | null;
  readonly name: string;
  readonly text: string;
}

/** What is known besides the answers of the processes. */
export interface WaitContext {
  /** Nodes that do not answer. */
  readonly silent?: ReadonlySet<string>;
  /** The spawns that wait for room, the oldest first. */
  readonly spawns?: readonly WaitingSpawn[];
}

/**
 * What each process waits for, in order. A process without an answer has just ended, and is left out, unless
 * its node does not answer.
 */
export function describeWaits(
  processes: readonly (NamedProcess & { readonly node?: string | null })[],
  states: ReadonlyMap<Pid, WaitState>,
  { silent = new Set(), spawns = [] }: WaitContext = {},
): WaitLine[] {
  const titles = titlesOf(processes);
  const lines: WaitLine[] = [];
  for (const { parent, name, ...wait } of spawns) {
    if (parent !== null) continue;
    lines.push({ pid: null, name, text: `waits for room: ${describeRoom(wait)}` });
  }
  for (const { pid, name, node = null } of processes) {
    const state = states.get(pid);
    if (state !== undefined) {
      const own = spawns.filter(({ parent }) => parent === pid);
      lines.push({ pid, name, text: describeState(state, titles, own) });
    } else if (node !== null && silent.has(node)) {
      lines.push({ pid, name, text: `its node ${node} does not answer` });
    }
  }
  return lines;
}

/** These as lines, with the titles of processes in a column of their own. */
export function waitLines(lines: readonly WaitLine[]): string[] {
  const titles = lines.map(({ pid, name }) => pid === null ? name : `${shortPid(pid)} ${name}`);
  const column = Math.min(MAX_COLUMN, Math.max(0, ...titles.map((title) => title.length)));
  return lines.map(({ text }, at) => visibleLine(`${titles[at]!.padEnd(column)}   ${text}`));
}

/** `2 GiB and 1 core; largest free: 1.2 GiB and 3 cores on 10.0.0.2:9999; 3 requests before it` */
function describeRoom(
  { resources, before, closest }: Omit<WaitingSpawn, "parent" | "name">,
): string {
  const amounts = ({ mem, cpu }: Readonly<Resources>) => `${formatMem(mem)} and ${formatCpu(cpu)}`;
  const free = closest === null
    ? "every connected node is too small, or reserved for another request"
    : `largest free: ${amounts(closest.free)} on ${closest.node}`;
  const queue = before === 0 ? [] : [`${before} request${before === 1 ? "" : "s"} before it`];
  return [amounts(resources), free, ...queue].join("; ");
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

/** What a process waits for; `spawns` are its spawns that wait for room. */
export function describeState(
  state: WaitState,
  title: (pid: Pid) => string,
  spawns: readonly WaitingSpawn[],
): string {
  if (state.state === "computes") return `computing for ${Math.round(state.forMs / 1_000)} s`;
  if (state.state === "stopped") return "stopped by a signal";
  if (state.state === "silent") {
    return `no answer, without computing: ${
      state.inspected ? "at a breakpoint, or in a blocking call" : "in a blocking call"
    }`;
  }
  const { waits, count } = state.report;
  if (count === 0) return "timers, or I/O of its own";
  const told = waits.slice(0, MAX_TOLD);
  const isSelect = (wait: Wait) => "select" in wait && wait.select;
  const choices = told.filter(isSelect).map((wait) => describeWait(wait, title));
  // One reason is enough: the others of one process mostly wait for the same.
  let explained: WaitingSpawn | undefined = spawns[0];
  const others = told.filter((wait) => !isSelect(wait)).map((wait) => {
    const text = describeWait(wait, title);
    if (wait.kind !== "spawn" || wait.name !== explained?.name) return text;
    const reason = describeRoom(explained);
    explained = undefined;
    return `${text}: ${reason}`;
  });
  const parts = choices.length === 0 ? others : [...others, `select: ${choices.join(" or ")}`];
  const more = count > told.length ? [`${count - told.length} more`] : [];
  return [...parts, ...more].join("; ");
}

/** The name of a channel after the process at its other end; nothing for a channel without a name. */
export function quoted(name: string): string {
  return name === "" ? "" : ` ${JSON.stringify(name)}`;
}
