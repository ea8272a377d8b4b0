/** What one process has asked its node, and has not been answered yet. */

import { MiB } from "../core/resources.ts";
import type { ProcessMessage } from "../wire/control.ts";

/**
 * The most spawns of one process, the most bytes of their arguments, and of what else they carry, which the master
 * holds, too, and the most other questions: beyond that, its link is not read. A process keeps to less by itself (`src/process/node_link.ts`), so that what answers depend
 * on, such as a kill, is read.
 */
export const MAX_SPAWNS = 4_000;
export const MAX_ARG_BYTES = 512 * MiB;
export const MAX_CARRIED_BYTES = 32 * MiB;
export const MAX_OTHERS = 40_000;

/** A spawn in progress. */
export interface PendingSpawn {
  /** Resolves when the process that asked for it has been answered. */
  readonly answered: Promise<void>;
  /** The size of its argument. */
  readonly argBytes: number;
  /** The size of the rest: names, the environment. */
  readonly carriedBytes: number;
  /** It should not wait for room any longer. */
  waitNoLonger(): void;
  /** The process is no longer wanted: it is not started, or it is ended. */
  cancel(): void;
}

/** About how many bytes a spawn carries besides its argument. */
export function carriedBytes(
  { function: fn, name, cwd, env, permissions = [] }: Extract<ProcessMessage, { type: "spawn" }>,
): number {
  const texts = [fn, name, cwd ?? "", ...permissions];
  return texts.reduce((sum, { length }) => sum + length, env?.length ?? 0);
}

/** Those of one process: spawns by number, the others counted. */
export class PendingQuestions {
  readonly #spawns = new Map<number, PendingSpawn>();
  #argBytes = 0;
  #carriedBytes = 0;
  #others = 0;
  #settled = Promise.withResolvers<void>();

  /** Adds a spawn until it is answered. */
  addSpawn(request: number, spawn: PendingSpawn): void {
    this.#spawns.set(request, spawn);
    this.#argBytes += spawn.argBytes;
    this.#carriedBytes += spawn.carriedBytes;
    void spawn.answered.finally(() => {
      this.#spawns.delete(request);
      this.#argBytes -= spawn.argBytes;
      this.#carriedBytes -= spawn.carriedBytes;
      this.#settle();
    });
  }

  /** Adds something else until this resolves, which must not reject. */
  add(answered: Promise<unknown>): void {
    this.#others++;
    void answered.then(() => {
      this.#others--;
      this.#settle();
    });
  }

  /** Cancels the spawn of that number, if it is not answered yet. */
  cancel(request: number): void {
    this.#spawns.get(request)?.cancel();
  }

  /** No spawn should wait for room any longer. */
  waitNoLonger(): void {
    for (const spawn of this.#spawns.values()) spawn.waitNoLonger();
  }

  /** Resolves when all spawns that are pending now are answered. */
  async spawned(): Promise<void> {
    await Promise.all(Array.from(this.#spawns.values(), ({ answered }) => answered));
  }

  /** Resolves when there is room for more; `undefined`: there is. */
  room(): Promise<void> | undefined {
    const isFull = this.#spawns.size >= MAX_SPAWNS || this.#argBytes >= MAX_ARG_BYTES ||
      this.#carriedBytes >= MAX_CARRIED_BYTES || this.#others >= MAX_OTHERS;
    return isFull ? this.#settled.promise.then(() => this.room()) : undefined;
  }

  #settle(): void {
    this.#settled.resolve();
    this.#settled = Promise.withResolvers();
  }
}
