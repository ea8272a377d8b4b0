/** How many processes of a run boot at the same time. */

/**
 * Lets processes begin to boot in the order in which they were asked for, a few at a time.
 *
 * Booting is computing. If all of 60 processes boot at once, each is ready when the last is; a few at a
 * time, they are all ready just as soon, and half of them in half of that time. A process that takes long
 * for another reason does not keep others back: its place is free again after `holdMs`.
 */
export class BootGate {
  readonly #holdMs: number;
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(places: number, holdMs: number) {
    this.#free = places;
    this.#holdMs = holdMs;
  }

  /** Waits for a place. Gives the function that gives the place up; only its first call counts. */
  async enter(): Promise<() => void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    let left = false;
    const leave = (): void => {
      if (left) return;
      left = true;
      clearTimeout(timer);
      // The place goes straight to the next, so that nobody who comes just now is served first.
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    };
    const timer = setTimeout(leave, this.#holdMs);
    return leave;
  }
}
