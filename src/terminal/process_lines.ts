/** The processes of a run, for people and for programs. */

import type { ExitStatus } from "../core/exit_status.ts";
import { type Pid, shortPid } from "../core/pid.ts";
import { formatMem } from "../core/resources.ts";
import { visibleLine } from "../core/visible.ts";
import { type ProcessEntry, processTree } from "../run/process_table.ts";
import { quoted, titlesOf } from "../run/wait_lines.ts";
import { formatAge, tableLines } from "./table.ts";

/** What a process uses now. */
export interface UsageNow {
  readonly memBytes: number;
  readonly peakBytes: number;
  readonly cpuMs: number;
}

/** How the processes are shown. */
export interface ProcessLinesOptions {
  /** What running processes use now, as far as it is known. */
  readonly usage: ReadonlyMap<Pid, UsageNow>;
  readonly nowMs: number;
  /** The width of the terminal; `undefined` for a pipe. */
  readonly width: number | undefined;
}

/** How many channels of one process are named to people. */
const MAX_UNREAD_LINES = 4;

const HEADINGS = ["PID", "STATE", "TIME", "MEM", "PEAK", "CPU", "NODE", "NAME"];

/**
 * One line for each process, with its descendants below it, their names indented.
 *
 * A cell has no spaces, except for the name, which is last: so tools that take lines apart at spaces can take
 * these. What is not known is `-`.
 */
export function processLines(
  processes: readonly ProcessEntry[],
  { usage, nowMs, width }: ProcessLinesOptions,
): string[] {
  const rows = processTree(processes).map(({ process, depth }) => {
    const { pid, node, name, status, startedMs, endedMs } = process;
    const { memory, peak, cpu } = usedBy(process, usage.get(pid));
    return [
      shortPid(pid),
      stateWord(status),
      formatAge((endedMs ?? nowMs) - startedMs),
      memWord(memory),
      memWord(peak),
      cpu === null ? "-" : secondsWord(cpu),
      node ?? "-",
      `${"  ".repeat(depth)}${name}`,
    ];
  });
  return tableLines(HEADINGS, rows, width);
}

/** One object for each process, in the same order. */
export function processData(
  processes: readonly ProcessEntry[],
  usage: ReadonlyMap<Pid, UsageNow>,
): Record<string, unknown>[] {
  return processTree(processes).map(({ process }) => {
    const { pid, parent, name, node, resources, startedMs, endedMs, status, record } = process;
    const { memory, peak, cpu } = usedBy(process, usage.get(pid));
    return {
      ...{ pid, parent, name, node, state: status === null ? "running" : "ended", status },
      started: new Date(startedMs).toISOString(),
      ended: endedMs === null ? null : new Date(endedMs).toISOString(),
      resources,
      ...{ memory, peak, cpuMs: cpu },
      lastLines: record?.lastLines ?? null,
      unread: record?.unread?.map(({ remote, ...rest }) => ({ from: remote, ...rest })) ?? null,
      undelivered: record?.undelivered ?? null,
    };
  });
}

/**
 * For people: what the channels of ended processes still held, and what could not be delivered; a line each, in
 * the order of the processes. The first `MAX_UNREAD_LINES` channels of a process are named, and then their number.
 */
export function leftLines(processes: readonly ProcessEntry[]): string[] {
  const title = titlesOf(processes);
  return processTree(processes).flatMap(({ process: { pid, record } }) => {
    const { unread = [], undelivered } = record ?? {};
    const lines = unread.slice(0, MAX_UNREAD_LINES).map(({ remote, name, values, bytes }) =>
      `${title(pid)} ended without taking ${count(values, "value")} (${formatMem(bytes)}) from ` +
      `${title(remote)}${quoted(name)}`
    );
    const more = unread.length - lines.length;
    if (more > 0) lines.push(`${title(pid)} left values in ${count(more, "more channel")}`);
    if (undelivered !== undefined) {
      lines.push(`${title(pid)} ended before all that it had sent was delivered: ${undelivered}`);
    }
    return lines.map(visibleLine);
  });
}

function count(amount: number, what: string): string {
  return `${amount} ${what}${amount === 1 ? "" : "s"}`;
}

function usedBy({ status, record }: ProcessEntry, now: UsageNow | undefined): {
  memory: number | null;
  peak: number | null;
  cpu: number | null;
} {
  if (status !== null || now === undefined) {
    return { memory: null, peak: record?.peakBytes ?? null, cpu: record?.cpuMs ?? null };
  }
  return { memory: now.memBytes, peak: now.peakBytes, cpu: now.cpuMs };
}

/** `running`, `exited`, `exited:3`, `SIGKILL`, `killed` or `lost`. */
export function stateWord(status: ExitStatus | null): string {
  if (status === null) return "running";
  if ("signal" in status) return status.signal;
  if ("killed" in status) return "killed";
  if ("lost" in status) return "lost";
  return status.code === 0 ? "exited" : `exited:${status.code}`;
}

/** Memory in a cell of a table: `31.4MiB`, or `-` if it is not known. */
export function memWord(bytes: number | null): string {
  return bytes === null ? "-" : formatMem(bytes).replace(" ", "");
}

/** CPU time: `0.31s`, `4.2s`, and from ten seconds on as an age is shown. */
function secondsWord(ms: number): string {
  if (ms >= 10_000) return formatAge(ms);
  return `${(ms / 1_000).toFixed(ms < 1_000 ? 2 : 1)}s`;
}
