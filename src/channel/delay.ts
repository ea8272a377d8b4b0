/** A timer that neither keeps a process alive nor costs it anything at start. */

/**
 * Calls `done` after `ms` milliseconds; gives the timer, which must be kept as long as it is wanted.
 *
 * `setTimeout` would be 13 ms of loading at its first use in newer versions of Deno.
 */
export function startTimer(ms: number, done: () => void): AbortSignal {
  const signal = AbortSignal.timeout(ms);
  signal.onabort = done;
  return signal;
}

/** Resolves after `ms` milliseconds, and does not keep the process alive meanwhile. */
export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => startTimer(ms, resolve));
}
