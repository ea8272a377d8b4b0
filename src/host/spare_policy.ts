/** How many spare processes a run has. */

/** Two misses within this time belong to the same burst, which no number of spares would have covered. */
const GROWTH_PAUSE_MS = 500;

/**
 * Decides how many spares to keep, from the history of spawns.
 *
 * None before the first spawn: a program that never spawns pays nothing. One more each time that a
 * spawn finds none, but only one for a burst: the processes of a burst boot all at once anyway, and
 * spares beside them would only make each of them later. None after some time without a spawn.
 */
export class SparePolicy {
  readonly #max: number;
  #wanted = 0;
  #grownMs = -Infinity;

  constructor(max: number) {
    this.#max = max;
  }

  /** How many there should be. */
  get wanted(): number {
    return this.#wanted;
  }

  /** A spawn found no spare. */
  missed(nowMs: number): void {
    if (nowMs - this.#grownMs < GROWTH_PAUSE_MS) return;
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
