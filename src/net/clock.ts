/** Time as an argument, so that tests of what happens after a while need not wait for it. */

/** What tells the time, and calls back. */
export interface Clock {
  /** Milliseconds since some moment; it never goes back. */
  now(): number;
  /** Calls `tick` each time that so many milliseconds have passed, until what is returned is called. */
  every(ms: number, tick: () => void): () => void;
}

/** The clock of this machine. */
export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  every(ms, tick) {
    const timer = setInterval(tick, ms);
    return () => clearInterval(timer);
  },
};
