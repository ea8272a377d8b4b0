/** Time as an argument, so that tests of what happens after a while need not wait for it. */

/** What tells the time, and calls back. */
export interface Clock {
  /** Milliseconds since some moment; it never goes back. */
  now(): number;
  /** Calls `tick` each time that so many milliseconds have passed, until what is returned is called. */
  every(ms: number, tick: () => void): () => void;
  /** Calls `due` once that so many milliseconds have passed, unless what is returned is called before. */
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
