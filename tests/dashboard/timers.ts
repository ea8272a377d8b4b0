/** Timers that the test fires. */

export class Timers {
  readonly #due = new Set<() => void>();

  readonly start = (_ms: number, then: () => void): () => void => {
    this.#due.add(then);
    return () => this.#due.delete(then);
  };

  fire(): void {
    const due = [...this.#due];
    this.#due.clear();
    for (const then of due) then();
  }

  get size(): number {
    return this.#due.size;
  }
}
