/** A timer that neither keeps a process alive nor costs it anything at start. */

/** A timer that runs. */
export interface Timer {
  /** What is done when the time is up; `null` for nothing. */
  onabort: (() => void) | null;
}

/**
 * Calls `done` after `ms` milliseconds.
 *
 * `setTimeout` would be 13 ms of loading at its first use in newer versions of Deno. A signal with a
 * timeout has a way of its own to add listeners, by which the timeout keeps the process alive; the
 * event target's does not do that.
 */
export function startTimer(ms: number, done: () => void): Timer {
  const timer: Timer = { onabort: done };
  const signal = AbortSignal.timeout(ms);
  EventTarget.prototype.addEventListener.call(signal, "abort", () => timer.onabort?.());
  return timer;
}

/** Resolves after `ms` milliseconds, and does not keep the process alive meanwhile. */
export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => startTimer(ms, resolve));
}
