/** The processes of a run, running and ended, as its events tell of them. */

import type { ExitRecord, RunEvent } from "../core/events.ts";
import type { ExitStatus } from "../core/exit_status.ts";
import type { Pid } from "../core/pid.ts";
import type { Resources } from "../core/resources.ts";

/** What is known of one process. Times are in milliseconds since the epoch. */
export interface ProcessEntry {
  readonly pid: Pid;
  /** `null` for the first process. */
  readonly parent: Pid | null;
  readonly name: string;
  /** The address of its node; `null` in a local run. */
  readonly node: string | null;
  /** What was asked for it; `null` where that is unknown. */
  readonly resources: Readonly<Resources> | null;
  readonly startedMs: number;
  /** `null` while it runs. */
  readonly endedMs: number | null;
  /** `null` while it runs. */
  readonly status: ExitStatus | null;
  /** `null` while it runs, and of one that was lost. */
  readonly record: ExitRecord | null;
}

/** Whether an event begins or ends a process: the events that {@linkcode processTable} needs. */
export function isLifeEvent({ event }: RunEvent): boolean {
  return event === "spawn" || event === "exit";
}

/**
 * The processes of a run, in the order in which they were spawned, according to these of its events.
 *
 * If the oldest events are gone, so are processes that ended among them; one of which only the end is left is
 * not listed.
 */
export function processTable(events: Iterable<RunEvent>): ProcessEntry[] {
  const processes = new Map<Pid, ProcessEntry>();
  for (const event of events) {
    if (event.event === "spawn") {
      const { pid, parent, name, node, resources = null, time } = event;
      processes.set(pid, {
        ...{ pid, parent, name, node, resources, startedMs: time },
        ...{ endedMs: null, status: null, record: null },
      });
    } else if (event.event === "exit") {
      const process = processes.get(event.pid);
      const { status, record = null, time } = event;
      if (process !== undefined) {
        processes.set(event.pid, { ...process, endedMs: time, status, record });
      }
    }
  }
  return [...processes.values()];
}

/**
 * A process that runs as far as events tell, of a run that ended then: its end was not noted, since that of its
 * bridge was the end of the run. One that has ended is returned as it is.
 */
export function endedWithRun(process: ProcessEntry, runEndedMs: number): ProcessEntry {
  if (process.status !== null) return process;
  const status = { lost: "its bridge ended before it was known how" };
  return { ...process, endedMs: runEndedMs, status };
}

/** A process in a tree: how many of its ancestors are listed above it. */
export interface TreeEntry {
  readonly process: ProcessEntry;
  readonly depth: number;
}

/**
 * The same as a tree: each process is followed by its children, in the order in which they were spawned. One
 * whose parent is not listed is listed like a first process.
 */
export function processTree(processes: readonly ProcessEntry[]): TreeEntry[] {
  const known = new Set(processes.map(({ pid }) => pid));
  const children = new Map<Pid | null, ProcessEntry[]>();
  for (const process of processes) {
    const parent = process.parent !== null && known.has(process.parent) ? process.parent : null;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [process]);
    else siblings.push(process);
  }
  const tree: TreeEntry[] = [];
  // A chain of processes may be longer than a stack is deep.
  const next = (children.get(null) ?? []).map((process) => ({ process, depth: 0 })).reverse();
  for (let entry = next.pop(); entry !== undefined; entry = next.pop()) {
    tree.push(entry);
    const { process: { pid }, depth } = entry;
    const below = children.get(pid) ?? [];
    for (let at = below.length - 1; at >= 0; at--) {
      next.push({ process: below[at]!, depth: depth + 1 });
    }
  }
  return tree;
}
