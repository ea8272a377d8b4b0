/** Timers as an argument, so that tests do not wait for them. */

/** Calls `then` after `ms`, unless the returned function is called first. */
export type StartTimer = (ms: number, then: () => void) => () => void;

/** A {@linkcode StartTimer} of real time. A running timer keeps this process alive. */
export function startTimer(ms: number, then: () => void): () => void {
  const timer = setTimeout(then, ms);
  return () => clearTimeout(timer);
}

/**
 * The same for the start of a process: the first `setTimeout()` takes Deno 16 ms, this 1 ms. Cancelled, it holds some
 * memory until it would have been due, so it is for short times.
 */
export function startEarlyTimer(ms: number, then: () => void): () => void {
  const signal = AbortSignal.timeout(ms);
  const due = (): void => then();
  // While there is a listener, the timer keeps this process alive.
  signal.addEventListener("abort", due);
  return () => signal.removeEventListener("abort", due);
}
