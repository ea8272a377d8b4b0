/** How many processes of a run boot at the same time. */

/**
 * Lets processes boot in the order in which they were requested, a few at a time.
 *
 * Booting is CPU-bound. If 60 processes boot at once, all are ready only at the end; a few at a time, the
 * last is ready just as soon, and half of them in half of that time. A process that takes long for another
 * reason does not delay others: its place is freed after `holdMs`.
 */
export class BootGate {
  readonly #holdMs: number;
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(places: number, holdMs: number) {
    this.#free = places;
    this.#holdMs = holdMs;
  }

  /** Waits for a place. Returns the function that releases it; only its first call counts. */
  async enter(): Promise<() => void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    let left = false;
    const leave = (): void => {
      if (left) return;
      left = true;
      clearTimeout(timer);
      // The place goes straight to the next waiter, so that a newcomer cannot overtake it.
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    };
    const timer = setTimeout(leave, this.#holdMs);
    return leave;
  }
}
