/** Waiting that adds nothing to the start of a process: timers, and turns of the event loop. */

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

/**
 * Calls `done` after `ms`, unless the returned function is called first. It keeps the process alive until then.
 * Cancelled, it holds some memory until it would have been due, so it is for short times.
 */
export function startKeptTimer(ms: number, done: () => void): () => void {
  const signal = AbortSignal.timeout(ms);
  const due = (): void => done();
  // While there is a listener, the timer keeps this process alive.
  signal.addEventListener("abort", due);
  return () => signal.removeEventListener("abort", due);
}

/** Resolves after `ms` milliseconds, without keeping the process alive. */
export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => startTimer(ms, resolve));
}

/** Whether `promise` resolves within `ms`. */
export function comesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = startTimer(ms, () => resolve(false));
    void promise.then(() => {
      timer.onabort = null;
      resolve(true);
    });
  });
}

/** Within this time, what has come on sockets is taken for certain. */
const SURE_MS = 500;

/** When that was so last. */
let sureMs = 0;

/**
 * Resolves after a turn of the event loop in which what has come on sockets is taken: as a rule, and for certain in one
 * of several turns, at least twice a second.
 *
 * It is so when the event loop waits, as for what another thread does, such as a digest. But on a busy machine the digest
 * may be done before that, hundreds of times in a row. For a timer it waits always, and that takes up to 3 ms on Deno 2.9.
 * The turns of a message port do not look at sockets.
 */
export async function lookAtSockets(): Promise<void> {
  if (performance.now() - sureMs < SURE_MS) {
    await crypto.subtle.digest("SHA-256", NOTHING);
    return;
  }
  // A listener of a timeout signal keeps the process alive, as the digest does.
  await new Promise((resolve) => AbortSignal.timeout(0).addEventListener("abort", resolve));
  sureMs = performance.now();
}

const NOTHING = new Uint8Array(0);
