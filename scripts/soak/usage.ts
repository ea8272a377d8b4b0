/** What a process uses while others come and go, and whether that grows. */

/** What it used at one moment. */
export interface Usage {
  /** How many processes had ended. */
  readonly ended: number;
  /** Its memory, in MiB. */
  readonly memMiB: number;
  /** Its objects and buffers that are no garbage, in MiB; `undefined` if that was not asked. */
  readonly liveMiB?: number;
  /** How many files it had open. */
  readonly files: number;
}

/** How much more memory may be used in the second half than in the first one: what V8 has not collected. */
const MEM_FACTOR = 1.25;

/** How many more files may be open: those of processes that start and end at the same moment. */
const FILES_FACTOR = 1.5;

/**
 * How much more may be live in the last quarter than in the second one, in MiB: what is on the way at the moment, and
 * tables that remember a few bytes of each of many processes.
 */
const LIVE_MORE_MIB = 2;

/**
 * What has grown from the first half of the processes to the second one, in a line each; empty if nothing has. Caches
 * fill at first, and everything has a limit: it must be reached in the first half.
 *
 * Memory as the system counts it has garbage in it, and shows only large leaks. What is live shows small ones.
 */
export function growth(usages: readonly Usage[]): string[] {
  const [first, second] = [part(usages, 0, 0.5), part(usages, 0.5, 1)];
  if (first.length === 0 || second.length === 0) return ["there were too few processes to tell"];
  const most = (all: readonly Usage[], key: "memMiB" | "files") =>
    Math.max(...all.map((usage) => usage[key]));
  const grown = (key: "memMiB" | "files", factor: number, what: string): string[] => {
    const [before, after] = [most(first, key), most(second, key)];
    if (after <= before * factor) return [];
    return [`${what} grew from ${before} in the first half to ${after} in the second one`];
  };
  const live = change(usages, "liveMiB");
  return [
    ...(live === undefined || live.to - live.from <= LIVE_MORE_MIB ? [] : [
      `live memory in MiB grew from ${live.from} in the second quarter to ${live.to} in the last ` +
      `one: ${live.bytesEach} bytes for each`,
    ]),
    ...grown("memMiB", MEM_FACTOR, "memory in MiB"),
    ...grown("files", FILES_FACTOR, "files"),
  ];
}

/** What was usual in the second quarter and in the last one, when caches are full. */
export interface Change {
  readonly from: number;
  readonly to: number;
  /** The difference for each that has ended in between, if these are MiB. */
  readonly bytesEach: number;
}

/** How something has changed, by medians; `undefined` if it is not known, or there were too few processes. */
export function change(
  usages: readonly Usage[],
  key: "memMiB" | "liveMiB" | "files",
): Change | undefined {
  const known = usages.filter((usage) => usage[key] !== undefined);
  const [second, last] = [part(known, 0.25, 0.5), part(known, 0.75, 1)];
  if (second.length === 0 || last.length === 0) return undefined;
  const medianOf = (all: readonly Usage[], of: keyof Usage) => median(all.map((each) => each[of]!));
  const [from, to] = [medianOf(second, key), medianOf(last, key)];
  const count = medianOf(last, "ended") - medianOf(second, "ended");
  return { from, to, bytesEach: Math.round((to - from) * 2 ** 20 / count) };
}

/** Those of a part of the time: from 0 to 1. */
function part(usages: readonly Usage[], from: number, to: number): Usage[] {
  const total = usages.at(-1)?.ended ?? 0;
  return usages.filter(({ ended }) => ended > total * from && ended <= total * to);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** What the process uses now; Linux only. */
export function usageOf(osPid: number, ended: number): Usage {
  const status = Deno.readTextFileSync(`/proc/${osPid}/status`);
  const kib = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
  const files = Array.from(Deno.readDirSync(`/proc/${osPid}/fd`)).length;
  return { ended, memMiB: Math.round(kib / 1024), files };
}
