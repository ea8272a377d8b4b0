/** What a load is, and what it tells. */

import { change, type Usage } from "../soak/usage.ts";

/** What was seen under a load. */
export interface LoadResult {
  /** In a line each, for people. */
  readonly figures: readonly string[];
  /** What was used while it went on, by what used it. `ended` is how much of the load was done. */
  readonly usages: Readonly<Record<string, readonly Usage[]>>;
}

/** One load. */
export interface Load {
  /** What it is, with `count` of what it is made of. */
  describe(count: number): string;
  /** How much there is of it at the scale 1. */
  readonly count: number;
  /**
   * Runs it to its end.
   *
   * @throws {Error} If the program failed, or got or showed something else than it should.
   */
  run(count: number): Promise<LoadResult>;
}

/** Calls `at` when that much is done, and about 20 times in all. */
export class Progress {
  readonly #every: number;
  readonly #at: (done: number) => void | Promise<void>;
  #next: number;

  constructor(count: number, at: (done: number) => void | Promise<void>) {
    this.#every = Math.max(1, Math.floor(count / 20));
    this.#next = this.#every;
    this.#at = at;
  }

  /** So much is done; resolves when `at` has. */
  reached(done: number): void | Promise<void> {
    if (done < this.#next) return;
    this.#next = done - done % this.#every + this.#every;
    return this.#at(done);
  }
}

/** A number, for people: `100,000`. */
export function shown(count: number): string {
  return count.toLocaleString("en-US");
}

/** A rate, for people. */
export function rate(count: number, what: string, ms: number): string {
  const seconds = ms / 1_000;
  return `${seconds.toFixed(1)} s, ${shown(Math.round(count / seconds))} ${what}/s`;
}

/** The most memory and files of each part, and how what is live has changed if that was asked, in a line each. */
export function most(usages: LoadResult["usages"]): string[] {
  return Object.entries(usages).map(([part, all]) => {
    const texts = [`${part}: at most ${Math.max(...all.map(({ memMiB }) => memMiB))} MiB`];
    const files = Math.max(...all.map((usage) => usage.files));
    if (files > 0) texts.push(`${files} files`);
    const live = change(all, "liveMiB");
    if (live !== undefined) {
      texts.push(`live ${live.from} MiB, then ${live.to}: ${live.bytesEach} bytes for each`);
    }
    return texts.join(", ");
  });
}
