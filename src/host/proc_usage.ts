/** What processes use of memory and CPU, as Linux tells it: of one, or of one and all that it has started. */

import { parseStat } from "./os_process.ts";

/** What a process, or several together, use. */
export interface ProcUsage {
  /**
   * The memory that is in use now, in bytes: what belongs to the process, and shared memory, but not the
   * pages of executables and files, which the system can drop.
   */
  readonly memBytes: number;
  /** The most of that at any one time so far, in bytes; of several processes, the sum for each. */
  readonly peakBytes: number;
  /** The CPU time of all threads, and of the children that have ended. */
  readonly cpuMs: number;
}

/** A process that cannot start more than that is as good as one that does not end. */
const MAX_DESCENDANTS = 10_000;

let readable: boolean | undefined;

/**
 * Whether this system tells what other processes use, and this program may ask: `/proc` needs all
 * permissions. It never prompts for one.
 */
export function canReadUsage(): boolean {
  return readable ??= Deno.build.os === "linux" &&
    Deno.permissions.querySync({ name: "read" }).state === "granted" &&
    textOf("/proc/self/statm") !== undefined;
}

/**
 * What one process uses; `undefined` if it is gone, or this system does not tell. One that has just ended has
 * no memory, but its CPU time is known for a moment. Takes about 60 µs.
 */
export function readUsage(id: number): ProcUsage | undefined {
  const [status, stat] = [textOf(`/proc/${id}/status`), textOf(`/proc/${id}/stat`)];
  const times = stat === undefined ? undefined : parseStat(stat);
  if (status === undefined || times === undefined) return undefined;
  const memory = parseMemory(status) ?? { memBytes: 0, peakBytes: 0 };
  return { ...memory, cpuMs: times.cpuMs + times.childrenCpuMs };
}

/**
 * What a process and all that descends from it use together; `undefined` if it has ended, or this system
 * does not tell. Takes about 0.3 ms for a process without children.
 *
 * What was started by a process that has ended, and goes on, does not descend from it for Linux.
 *
 * @param strays Others that count as well, if they are no descendants. @default none
 */
export function readTreeUsage(id: number, strays: readonly number[] = []): ProcUsage | undefined {
  const own = readUsage(id);
  if (own === undefined) return undefined;
  return otherIds(id, strays).map(readUsage).reduce<ProcUsage>((sum, each) => ({
    memBytes: sum.memBytes + (each?.memBytes ?? 0),
    peakBytes: sum.peakBytes + (each?.peakBytes ?? 0),
    cpuMs: sum.cpuMs + (each?.cpuMs ?? 0),
  }), own);
}

/**
 * The memory of a process and all that descends from it, in bytes, as {@linkcode ProcUsage.memBytes}, but
 * with each page that several processes share counted once: a child that is a copy of its parent shares
 * nearly all. `undefined` if it has ended, or this system does not tell. Takes about 0.5 ms for each.
 *
 * @param strays As of {@linkcode readTreeUsage}.
 */
export function readTreeShare(id: number, strays: readonly number[] = []): number | undefined {
  const shares = [id, ...otherIds(id, strays)].flatMap((each) => {
    const text = textOf(`/proc/${each}/smaps_rollup`);
    return (text === undefined ? undefined : parseShare(text)) ?? [];
  });
  return shares.length === 0 ? undefined : shares.reduce((sum, share) => sum + share);
}

/** Parses `/proc/PID/smaps_rollup`: the process's share of its own and of shared memory, without files. */
function parseShare(text: string): number | undefined {
  const [own, shared] = [/^Pss_Anon:\s*(\d+) kB$/m, /^Pss_Shmem:\s*(\d+) kB$/m].map((line) =>
    line.exec(text)?.[1]
  );
  return own === undefined || shared === undefined
    ? undefined
    : (Number(own) + Number(shared)) * 1024;
}

/** The processes that descend from one, parents before their children. */
export function descendantsOf(id: number): number[] {
  const found: number[] = [];
  for (let at = -1; at < found.length && found.length < MAX_DESCENDANTS; at++) {
    found.push(...childrenOf(at < 0 ? id : found[at]!));
  }
  return found;
}

/** All that count with a process, each once. */
function otherIds(id: number, strays: readonly number[]): number[] {
  const ids = new Set([...descendantsOf(id), ...strays]);
  ids.delete(id);
  return [...ids];
}

/** Each thread has the children that it has started. */
function childrenOf(id: number): number[] {
  const children: number[] = [];
  try {
    for (const { name } of Deno.readDirSync(`/proc/${id}/task`)) {
      const text = textOf(`/proc/${id}/task/${name}/children`) ?? "";
      for (const child of text.split(" ")) if (child !== "") children.push(Number(child));
    }
  } catch {
    // It has ended.
  }
  return children;
}

/** Parses `/proc/PID/status`; `undefined` for a process that has ended, and so has no memory. */
export function parseMemory(text: string): Omit<ProcUsage, "cpuMs"> | undefined {
  const bytes = (name: string): number | undefined => {
    const match = new RegExp(`^${name}:\\s*(\\d+) kB$`, "m").exec(text);
    return match === null ? undefined : Number(match[1]) * 1024;
  };
  const [own, shared] = [bytes("RssAnon"), bytes("RssShmem")];
  const [file, highest] = [bytes("RssFile"), bytes("VmHWM")];
  if (own === undefined || shared === undefined || file === undefined || highest === undefined) {
    return undefined;
  }
  const memBytes = own + shared;
  // The highest total includes the pages of files at that time: about as many as now.
  return { memBytes, peakBytes: Math.max(memBytes, highest - file) };
}

/** The text of such a file; `undefined` if there is none. */
export function textOf(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    // The process has ended, or this is another system.
    return undefined;
  }
}
