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

/** Judges what the files of a run take. Pure. */
export function judgeDisk({ usedBytes, tookMs }: DiskLook, mostBytes: number): DiskVerdict {
  if (usedBytes > mostBytes) {
    return {
      kind: "over",
      why: `disk: ${formatMem(usedBytes)} used, ${formatMem(mostBytes)} allowed`,
    };
  }
  const growthMs = (mostBytes - usedBytes) / GROWTH_BYTES_PER_S * 1_000;
  const leastMs = Math.max(MIN_PAUSE_MS, tookMs * PAUSE_PER_LOOK);
  return { kind: "within", nextMs: Math.max(leastMs, Math.min(growthMs, MAX_PAUSE_MS)) };
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
