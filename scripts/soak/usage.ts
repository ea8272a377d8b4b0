/** What a launcher uses while its processes come and go, and whether that grows. */

/** What it used at one moment. */
export interface Usage {
  /** How many processes had ended. */
  readonly ended: number;
  /** Its memory, in MiB. */
  readonly memMiB: number;
  /** How many files it had open. */
  readonly files: number;
}

/** How much more memory may be used in the second half than in the first one: what V8 has not collected. */
const MEM_FACTOR = 1.25;

/** How many more files may be open: those of processes that start and end at the same moment. */
const FILES_FACTOR = 1.5;

/**
 * What has grown from the first half of the processes to the second one, in a line each; empty if nothing has. Caches
 * fill at first, and everything has a limit: it must be reached in the first half.
 */
export function growth(usages: readonly Usage[]): string[] {
  const total = usages.at(-1)?.ended ?? 0;
  const [first, second] = [true, false].map((isFirst) =>
    usages.filter(({ ended }) => (ended <= total / 2) === isFirst)
  ) as [Usage[], Usage[]];
  if (first.length === 0 || second.length === 0) return ["there were too few processes to tell"];
  const most = (all: readonly Usage[], key: "memMiB" | "files") =>
    Math.max(...all.map((usage) => usage[key]));
  const grown = (key: "memMiB" | "files", factor: number, what: string): string[] => {
    const [before, after] = [most(first, key), most(second, key)];
    if (after <= before * factor) return [];
    return [`${what} grew from ${before} in the first half to ${after} in the second one`];
  };
  return [
    ...grown("memMiB", MEM_FACTOR, "memory in MiB"),
    ...grown("files", FILES_FACTOR, "files"),
  ];
}

/** What the process uses now; Linux only. */
export function usageOf(osPid: number, ended: number): Usage {
  const status = Deno.readTextFileSync(`/proc/${osPid}/status`);
  const kib = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
  const files = Array.from(Deno.readDirSync(`/proc/${osPid}/fd`)).length;
  return { ended, memMiB: Math.round(kib / 1024), files };
}
