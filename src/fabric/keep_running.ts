/** Runs something again and again, more slowly if it keeps ending soon. */

import { type Clock, pause, SYSTEM_CLOCK } from "../net/clock.ts";

/** The delay between starts: the first value, then doubled up to the second. */
export const FIRST_RESTART_MS = 100;
export const MAX_RESTART_MS = 5_000;

/** After running for this long, it counts as healthy, and the delay is reset. */
export const HEALTHY_MS = 10_000;

/** How {@linkcode keepRunning} works. */
export interface KeepRunningOptions {
  /** Called with the result of each run that is going to be followed by another. */
  readonly ended: (how: string) => void;
  readonly signal: AbortSignal;
  /** @default SYSTEM_CLOCK */
  readonly clock?: Clock;
}

/**
 * Calls `run`, and again after a pause each time it has ended. Resolves when `signal` is aborted and the
 * last run has ended.
 *
 * @param run Resolves with how it ended.
 */
export async function keepRunning(
  run: () => Promise<string>,
  { ended, signal, clock = SYSTEM_CLOCK }: KeepRunningOptions,
): Promise<void> {
  let pauseMs = FIRST_RESTART_MS;
  while (!signal.aborted) {
    const startMs = clock.now();
    const how = await run();
    if (signal.aborted) return;
    if (clock.now() - startMs > HEALTHY_MS) pauseMs = FIRST_RESTART_MS;
    ended(how);
    await pause(pauseMs, signal, clock);
    pauseMs = Math.min(2 * pauseMs, MAX_RESTART_MS);
  }
}
