/** Decides whether a process uses more memory than it asked for, and when to look at it again. */

import { formatMem, MiB } from "../core/resources.ts";

/**
 * The lowest limit. A process of Deno takes 10 to 30 MiB before it does anything, and more while it loads a
 * program: with less it could not run at all, whatever it asked for.
 */
export const MIN_LIMIT_BYTES: number = 64 * MiB;

/** A process that grows as fast as this is looked at as soon as it could be at its limit. */
const GROWTH_BYTES_PER_S = 200 * MiB;

/** How soon a process is looked at again that is at its limit. */
const MIN_PAUSE_MS = 50;

/**
 * A look takes about 0.3 ms. A node with many processes looks at each less often, so that looking takes at most
 * a tenth of a core, as long as each is looked at every second.
 */
const PAUSE_PER_PROCESS_MS = 3;

/** A process with much room is looked at now and then nevertheless, since it may grow faster. */
const MAX_PAUSE_MS = 1_000;

/** How much memory a process may use that has asked for `askedBytes`. */
export function limitOf(askedBytes: number): number {
  return Math.max(askedBytes, MIN_LIMIT_BYTES);
}

/** What follows from a look at a process. */
export type MemoryVerdict =
  | { readonly kind: "over"; readonly why: string }
  | { readonly kind: "within"; readonly nextMs: number };

/**
 * Judges what a process uses, with all that it started. `processes` is how many its node looks at.
 *
 * One that grows by 200 MiB a second is seen at the latest when it is 10 MiB over its limit, if there are few.
 */
export function judgeMemory(
  usedBytes: number,
  askedBytes: number,
  processes: number,
): MemoryVerdict {
  const leftBytes = limitOf(askedBytes) - usedBytes;
  if (leftBytes < 0) return { kind: "over", why: overMemory(usedBytes, askedBytes) };
  const ms = leftBytes / GROWTH_BYTES_PER_S * 1_000;
  const leastMs = Math.max(MIN_PAUSE_MS, processes * PAUSE_PER_PROCESS_MS);
  return { kind: "within", nextMs: Math.min(Math.max(leastMs, ms), MAX_PAUSE_MS) };
}

/** Why a process was ended, as its status says it: `memory: 131 MiB used, 100 MiB asked`. */
function overMemory(usedBytes: number, askedBytes: number): string {
  return `memory: ${formatMem(usedBytes)} used, ${formatMem(askedBytes)} asked`;
}

/**
 * A group that is refused more memory may have been below its limit by this much: so much is wanted at once at most,
 * for one large page and what the system takes in advance.
 */
const CHARGE_BYTES = 4 * MiB;

/** What follows from a kill by Linux, for memory, of a process in a control group with a limit. */
export interface MemoryKill {
  readonly why: string;
  /** Whether the machine, or a group around all of its programs, had no memory left, and the process kept its word. */
  readonly starved: boolean;
}

/** Judges such a kill by the most memory that the group has used; `undefined` if the system does not tell. */
export function judgeKill(peakBytes: number | undefined, askedBytes: number): MemoryKill {
  const limit = limitOf(askedBytes);
  const peak = peakBytes ?? limit;
  const starved = peak < limit - CHARGE_BYTES;
  if (!starved) return { why: overMemory(peak, askedBytes), starved };
  return { why: `memory: its node had none left; this process used ${formatMem(peak)}`, starved };
}
