/**
 * Marks of processes: numbers by which everything that a process started is found, when it has left its group
 * and session, and its parent has ended.
 *
 * A mark is set as a resource limit (see new_session.ts). A variable in the environment would be visible to
 * the program, and would be lost where a program gives its child another environment.
 */

/** How many decimal digits each half of a mark has. Together they fit a limit, which has 63 bits. */
const HALF_DIGITS = 9;

/** Makes the marks of one run's processes on one node: the first half is the run's. */
export class Marks {
  /** Matches all of them, and those of no other run. */
  readonly pattern: string;
  readonly #run: string;
  #count = 0;

  /** @param random Below 1. */
  constructor(random: number = Math.random()) {
    const least = 10 ** (HALF_DIGITS - 1);
    this.#run = String(least + Math.floor(random * 9 * least));
    this.pattern = `${this.#run}[0-9]{${HALF_DIGITS}}`;
  }

  /** The mark of another process. */
  next(): string {
    return this.#run + String(this.#count++ % 10 ** HALF_DIGITS).padStart(HALF_DIGITS, "0");
  }
}
