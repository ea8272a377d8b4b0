/** Numbers over time, of a bounded number of points: the longer, the coarser. */

/** How many points are kept. */
export const MAX_POINTS = 600;

export class Series {
  /** In seconds since the epoch, as the curves need them. */
  readonly times: number[] = [];
  /** `null` where nothing is known. */
  readonly values: (number | null)[][];
  /** How many points come for one that is kept. */
  #every = 1;
  #skipped = 0;

  /** Of so many numbers each. */
  constructor(count: number) {
    this.values = Array.from({ length: count }, () => []);
  }

  /** Adds a point. */
  add(atMs: number, ...values: readonly (number | null)[]): void {
    if (++this.#skipped < this.#every) return;
    this.#skipped = 0;
    this.times.push(atMs / 1_000);
    for (const [index, list] of this.values.entries()) list.push(values[index] ?? null);
    if (this.times.length > MAX_POINTS) this.#thin();
  }

  /** Leaves every second point. */
  #thin(): void {
    this.#every *= 2;
    for (const list of [this.times, ...this.values]) {
      const kept = list.filter((_, index) => index % 2 === 0);
      list.length = 0;
      for (const value of kept) list.push(value as never);
    }
  }
}
