/** A timer that does not keep a process alive and adds nothing to its start. */

/** A running timer. */
export interface Timer {
  /** Called when the time is up; `null` for nothing. */
  onabort: (() => void) | null;
}

/**
 * Calls `done` after `ms` milliseconds.
 *
 * `setTimeout` would load for 13 ms at its first use in newer versions of Deno. A timeout signal overrides
 * `addEventListener` so that the timeout keeps the process alive; the method of `EventTarget` does not.
 */
export function startTimer(ms: number, done: () => void): Timer {
  const timer: Timer = { onabort: done };
  const signal = AbortSignal.timeout(ms);
  EventTarget.prototype.addEventListener.call(signal, "abort", () => timer.onabort?.());
  return timer;
}

/** Resolves after `ms` milliseconds, without keeping the process alive. */
export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => startTimer(ms, resolve));
}
