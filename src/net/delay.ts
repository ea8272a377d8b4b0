/** Waiting that adds nothing to the start of a process: timers, which do not keep it alive, and turns of the event loop. */

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

/**
 * Resolves after a turn of the event loop in which what has come on sockets is taken.
 *
 * That is so for whatever another thread does, such as a digest. A timer of 0 ms takes up to 3 ms on Deno 2.9, and
 * the turns of a message port do not look at sockets.
 */
export async function lookAtSockets(): Promise<void> {
  await crypto.subtle.digest("SHA-256", NOTHING);
}

const NOTHING = new Uint8Array(0);
