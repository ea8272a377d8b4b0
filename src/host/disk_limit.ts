/** Decides whether the files of a run take more than they may on a node, and when to look again. */

import { formatMem, KiB, MiB } from "../core/resources.ts";

/**
 * What a file or folder counts at least: about what the file system needs to know of it. So a limit in bytes is one in
 * files, too, and a look need not go further than that.
 */
export const LEAST_BYTES: number = 4 * KiB;

/** Files that grow as fast as this are looked at as soon as they could be at their limit. */
const GROWTH_BYTES_PER_S = 200 * MiB;

const MIN_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 30_000;

/** Between two looks is at least so many times what the last one took. */
const PAUSE_PER_LOOK = 20;

/** What a look has found. */
export interface DiskLook {
  readonly usedBytes: number;
  readonly tookMs: number;
}

/** What follows from a look. */
export type DiskVerdict =
  | { readonly kind: "over"; readonly why: string }
  | { readonly kind: "within"; readonly nextMs: number };

/**
 * Judges what some files take. Pure.
 *
 * @param writers How many runs they are of.
 */
export function judgeDisk(
  { usedBytes, tookMs }: DiskLook,
  mostBytes: number,
  writers: number = 1,
): DiskVerdict {
  if (usedBytes > mostBytes) {
    return {
      kind: "over",
      why: `disk: ${formatMem(usedBytes)} used, ${formatMem(mostBytes)} allowed`,
    };
  }
  const growthMs = (mostBytes - usedBytes) / (writers * GROWTH_BYTES_PER_S) * 1_000;
  const nextMs = Math.max(leastPauseMs({ tookMs }), Math.min(growthMs, MAX_PAUSE_MS));
  return { kind: "within", nextMs };
}

/** How long there is no other look after one, in any case. */
export function leastPauseMs({ tookMs }: Pick<DiskLook, "tookMs">): number {
  return Math.max(MIN_PAUSE_MS, tookMs * PAUSE_PER_LOOK);
}

/** Within so long after the end of its processes, the files of a run are usually removed. */
const GOING_MS = 5_000;

/** A run of a person on a node. */
export interface PersonRun {
  /** What its files took when they were looked at last. */
  readonly usedBytes: number;
  /** Whether processes of it run here. */
  readonly isRunning: boolean;
  /** When it was ended because the person's runs took too much; `undefined` if it was not. */
  readonly endedMs: number | undefined;
}

/**
 * What the runs of a person take on a node, and which of them have to end, since it is too much: the largest that run,
 * until the others fit. What a run takes that was ended just now does not count, as its files are about to be
 * removed; later they do, if the run goes on on other nodes. Pure.
 */
export function judgePerson<Run extends PersonRun>(
  runs: readonly Run[],
  mostBytes: number,
  nowMs: number,
): { readonly usedBytes: number; readonly over: readonly Run[] } {
  const counted = runs.filter(({ endedMs }) => endedMs === undefined || nowMs - endedMs > GOING_MS);
  const usedBytes = counted.reduce((sum, run) => sum + run.usedBytes, 0);
  const over: Run[] = [];
  let leftBytes = usedBytes;
  const largest = counted.filter(({ isRunning }) => isRunning)
    .toSorted((a, b) => b.usedBytes - a.usedBytes);
  for (const run of largest) {
    if (leftBytes <= mostBytes) break;
    over.push(run);
    leftBytes -= run.usedBytes;
  }
  return { usedBytes, over };
}

/** How many files and folders a look goes through: more are over the limit in any case. */
export function mostEntries(mostBytes: number): number {
  return Math.floor(mostBytes / LEAST_BYTES) + 1;
}

/** Adds up what lines of {@linkcode FORMAT} say, each file once, whatever number of names it has. */
export class DiskSum {
  #bytes = 0;
  #entries = 0;
  #rest = "";
  readonly #seen = new Set<string>();

  /** Takes a piece of the text, which need not end with a line. */
  add(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop()!;
    for (const line of lines) this.#take(line);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How many files and folders there were. */
  get entries(): number {
    return this.#entries;
  }

  #take(line: string): void {
    const [blocks, names, id = ""] = line.split(" ");
    this.#entries++;
    if (Number(names) > 1) {
      if (this.#seen.has(id)) return;
      this.#seen.add(id);
    }
    this.#bytes += Math.max(LEAST_BYTES, Number(blocks) * 512);
  }
}

/** What `find` is to print about each entry: blocks of 512 bytes, the number of its names, and which one it is. */
export const FORMAT = "%b %n %D:%i\\n";
