/** Which process gets the next call, and how many processes there are: decisions, as pure functions. */

/** A call of a task that takes longer than this is long: nothing is queued behind it. */
const LONG_MS = 5;
/** How much work may be queued at a process behind the calls that it runs: some round trips. */
const QUEUED_MS = 1;
const MAX_QUEUED = 256;

/** How long the calls of a task take. */
export interface Pace {
  /** The longest, of which older ones are gradually forgotten; `undefined` if none has ended. */
  readonly peakMs: number | undefined;
  readonly meanMs: number;
}

/** A task none of whose calls has ended. */
export const UNKNOWN_PACE: Pace = { peakMs: undefined, meanMs: 0 };

/** The pace after one more call. */
export function paceAfter({ peakMs, meanMs }: Pace, ms: number): Pace {
  if (peakMs === undefined) return { peakMs: ms, meanMs: ms };
  return { peakMs: Math.max(ms, peakMs * 0.99), meanMs: meanMs * 0.9 + ms * 0.1 };
}

/** Whether a call was long. */
export function isLong(ms: number): boolean {
  return ms > LONG_MS;
}

/** Whether a call may be long: also of a task of which nothing is known. */
export function mayBeLong({ peakMs }: Pace): boolean {
  return peakMs === undefined || isLong(peakMs);
}

/** How many calls of a task may be queued at a process behind those that it runs. */
export function queueDepth(pace: Pace): number {
  if (mayBeLong(pace)) return 1;
  return Math.max(1, Math.min(MAX_QUEUED, Math.floor(QUEUED_MS / pace.meanMs)));
}

/** A process as these decisions see it. */
export interface Loaded {
  /** Calls that it has, running or queued. */
  readonly load: number;
  /** How many of them may be long. */
  readonly longCalls: number;
}

/**
 * The process for a call: the one with the fewest calls that has room; `undefined` if none has.
 *
 * A process has room if it runs fewer than `concurrency` calls. Behind those, up to `depth` calls may be
 * queued, so that it need not wait a round trip for the next one; but never behind one that may be
 * long, which would hold back what another process could take.
 */
export function choose<P extends Loaded>(
  processes: readonly P[],
  concurrency: number,
  depth: number,
): P | undefined {
  let best: P | undefined;
  for (const process of processes) {
    if (best !== undefined && process.load >= best.load) continue;
    const { load, longCalls } = process;
    if (load < concurrency || (longCalls === 0 && load < concurrency + depth)) best = process;
  }
  return best;
}

/**
 * How many processes are to be started now: no more than there are already, so that a pool doubles step by
 * step, while those that have come take calls off the queue.
 */
export function growth(
  { waiting, processes, starting, min, max }: {
    waiting: number;
    processes: number;
    starting: number;
    min: number;
    max: number;
  },
): number {
  const there = processes + starting;
  const wanted = Math.min(max - there, waiting - starting, Math.max(processes, 1) - starting);
  return Math.max(min - there, wanted, 0);
}

/** How long to wait before a process is replaced, after so many deaths with no call done in between. */
export function backOffMs(deaths: number): number {
  return deaths < 2 ? 0 : Math.min(5_000, 50 * 2 ** (deaths - 2));
}
