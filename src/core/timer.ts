/** Timers as an argument, so that tests do not wait for them. */

/** Calls `then` after `ms`, unless the returned function is called first. */
export type StartTimer = (ms: number, then: () => void) => () => void;

/** A {@linkcode StartTimer} of real time. A running timer keeps this process alive. */
export function startTimer(ms: number, then: () => void): () => void {
  const timer = setTimeout(then, ms);
  return () => clearTimeout(timer);
}
