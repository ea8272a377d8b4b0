/** Time as an argument, so that tests of timeouts need not wait. */

/** A source of time and timers. */
export interface Clock {
  /** Milliseconds since some moment; monotonic. */
  now(): number;
  /** Calls `tick` at this interval in milliseconds, until the returned function is called. */
  every(ms: number, tick: () => void): () => void;
  /** Calls `due` after this many milliseconds, unless the returned function is called first. */
  after(ms: number, due: () => void): () => void;
}

/** The clock of this machine. */
export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  every(ms, tick) {
    const timer = setInterval(tick, ms);
    return () => clearInterval(timer);
  },
  after(ms, due) {
    const timer = setTimeout(due, ms);
    return () => clearTimeout(timer);
  },
};

/** Resolves after that time, or when `signal` is aborted. */
export function pause(ms: number, signal: AbortSignal, clock: Clock = SYSTEM_CLOCK): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const cancel = clock.after(ms, done);
    function done(): void {
      cancel();
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
  });
}
