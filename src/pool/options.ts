/** The options of a pool, checked, and with their defaults. */

import type { Resources } from "../../mod.ts";

/** How a pool is made. */
export interface PoolOptions extends Partial<Resources> {
  /**
   * Processes: a number, or between two: the pool grows while calls wait, and shrinks when idle. Beyond
   * `min` it grows only as far as there is room, and does not wait for it, so it holds up no other spawn.
   *
   * A pool for all cores of a cluster is one that may grow far, of processes that need a core each:
   * `{ size: { min: 1, max: 1000 }, cpu: 1 }`. (On a single machine room is not limited, and so the size
   * is by `max` alone.)
   *
   * @default one for each core of the machine on which `Pool.start` is called
   */
  size?: number | { min: number; max: number };
  /** Calls that a process runs at once. More than 1 is for calls that wait for I/O. @default 1 */
  concurrency?: number;
  /**
   * How often a call is run again when its process died under it.
   *
   * @default 0: such a call rejects with a `PoolError`
   */
  retries?: number;
  /** An idle process above `min` ends after so many milliseconds. @default 10,000 */
  idleMs?: number;
}

/** Options for one call. */
export interface RunOptions {
  /** Rejects the call with its reason when it is aborted, and aborts the task's own signal. */
  signal?: AbortSignal;
  /** The same after so many milliseconds, with a `TimeoutError`. Waiting for a process counts. */
  timeoutMs?: number;
}

/** All that a pool is told. */
export interface Settings {
  readonly min: number;
  readonly max: number;
  readonly concurrency: number;
  readonly retries: number;
  readonly idleMs: number;
  readonly resources: Partial<Resources>;
}

const NAMES = ["size", "concurrency", "retries", "idleMs", "mem", "cpu"];

/** What {@linkcode checkRunOptions} need not look at. */
export const NO_OPTIONS: RunOptions = Object.freeze({});

/** Checks the options of a call, of which there may be a million. @throws {TypeError} If one does not exist. */
export function checkRunOptions(options: RunOptions): void {
  if (options === NO_OPTIONS) return;
  for (const name in options) {
    if (name === "signal" || name === "timeoutMs") continue;
    const hint = NAMES.includes(name) ? "it is one of Pool.start()" : "there are signal, timeoutMs";
    throw new TypeError(`Cannot run a call: it has no option ${name}; ${hint}`);
  }
}

/**
 * Checks options.
 *
 * @throws {TypeError} If one does not exist.
 * @throws {RangeError} If one is not a number in its range.
 */
export function resolveOptions(options: PoolOptions, cores: number): Settings {
  for (const name of Object.keys(options)) {
    if (!NAMES.includes(name)) {
      throw new TypeError(
        `Cannot start a pool: it has no option ${name}; there are ${NAMES.join(", ")}`,
      );
    }
  }
  const { size = cores, concurrency = 1, retries = 0, idleMs = 10_000, mem, cpu } = options;
  const { min, max } = typeof size === "number" ? { min: size, max: size } : size;
  checkNumber("size", max, 1, true);
  checkNumber("size.min", min, 0, true);
  if (min > max) throw new RangeError(`Cannot start a pool: size.min is ${min}, size.max ${max}`);
  checkNumber("concurrency", concurrency, 1, true);
  checkNumber("retries", retries, 0, true);
  checkNumber("idleMs", idleMs, 0, false);
  const resources = { ...(mem !== undefined && { mem }), ...(cpu !== undefined && { cpu }) };
  return { min, max, concurrency, retries, idleMs, resources };
}

function checkNumber(name: string, value: unknown, least: number, whole: boolean): void {
  const right = typeof value === "number" && value >= least &&
    (whole ? Number.isSafeInteger(value) : true);
  if (right) return;
  const kind = whole ? "a whole number" : "a number";
  throw new RangeError(
    `Cannot start a pool: ${name} is ${String(value)}; it must be ${kind}, ${least} or more`,
  );
}
