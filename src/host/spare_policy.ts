/** How many spare processes a run has, and when missing ones begin to boot. */

/**
 * Two misses within this time belong to the same burst, which no number of spares would have covered,
 * unless the spawns came one after the other.
 */
const GROWTH_PAUSE_MS = 500;

/**
 * The next spare begins to boot this long after a spawn, so that the answer to the spawn and the first work
 * of the process come first. Booting takes a core for longer than both.
 */
const REFILL_PAUSE_MS = 50;

/** Spawns that follow each other faster than this use up spares as fast as they boot. */
const SUCCESSION_MS = 150;

/**
 * Spares are for the largest of this many spawns: a process may have more memory than it asks for until it is
 * spawned, but not less.
 */
const SIZES = 16;

/** A spawn, as far as the number of spares depends on it. */
export interface SpawnSeen {
  readonly nowMs: number;
  /** Whether there was a spare for it. */
  readonly found: boolean;
  /** Whether no other spawn was in progress. */
  readonly alone: boolean;
  /** How much memory it asks for, in bytes. */
  readonly mem: number;
}

/**
 * Decides how many spares to keep, and how soon, from the history of spawns.
 *
 * None before the first spawn: a program that never spawns pays nothing. One more each time that a
 * spawn finds none, but only one for a burst: the processes of a burst boot all at once anyway, and
 * spares beside them would only make each of them later. None after some time without a spawn.
 *
 * A program that spawns one process after the other, in quick succession, is limited by how fast
 * processes boot. Each of its misses counts, and its spares are replaced at once.
 */
export class SparePolicy {
  readonly #max: number;
  #wanted = 0;
  #grownMs = -Infinity;
  #spawnedMs = -Infinity;
  #refillMs = REFILL_PAUSE_MS;
  readonly #sizes: number[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  /** How many there should be. */
  get wanted(): number {
    return this.#wanted;
  }

  /** How much memory the next spawns are likely to ask for, at most. */
  get mem(): number {
    return Math.max(0, ...this.#sizes);
  }

  /** How long after the spawn to wait before missing spares boot, in ms. */
  get refillMs(): number {
    return this.#refillMs;
  }

  /** Takes a spawn into account. */
  spawned({ nowMs, found, alone, mem }: SpawnSeen): void {
    this.#sizes.push(mem);
    if (this.#sizes.length > SIZES) this.#sizes.shift();
    this.#refillMs = alone && nowMs - this.#spawnedMs < SUCCESSION_MS ? 0 : REFILL_PAUSE_MS;
    this.#spawnedMs = nowMs;
    if (found || (!alone && nowMs - this.#grownMs < GROWTH_PAUSE_MS)) return;
    this.#grownMs = nowMs;
    this.#wanted = Math.min(this.#wanted + 1, this.#max);
  }

  /** Nothing was spawned for long. */
  idle(): void {
    this.#wanted = 0;
  }
}

/** The resources of this machine for spares, as far as this process may read them. */
export function thisMachine(): { cores: number; availableBytes: number } {
  const permission = { name: "sys", kind: "systemMemoryInfo" } as const;
  const may = Deno.permissions.querySync(permission).state === "granted";
  return {
    cores: navigator.hardwareConcurrency,
    availableBytes: may ? Deno.systemMemoryInfo().available : Infinity,
  };
}

/** The estimated memory of a spare. */
const SPARE_BYTES = 64 * 1024 * 1024;

/** The maximum share of available memory for the spares of one run. */
const MEMORY_SHARE = 1 / 8;

/**
 * The most spares that a run may have: the value of `DEPLOY_SPARES`, or the number of cores, if there is
 * memory for them.
 *
 * @throws {SyntaxError} If `text` is not a number of processes.
 */
export function maxSpares(
  text: string | undefined,
  machine: { cores: number; availableBytes: number },
): number {
  if (text !== undefined && text !== "") {
    if (!/^\d{1,4}$/.test(text)) {
      throw new SyntaxError(
        `Cannot use ${
          JSON.stringify(text)
        } as DEPLOY_SPARES: expected the number of spare processes that may wait`,
      );
    }
    return Number(text);
  }
  const room = Math.floor(machine.availableBytes * MEMORY_SHARE / SPARE_BYTES);
  return Math.min(machine.cores, room);
}
