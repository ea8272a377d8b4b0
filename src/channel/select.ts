/** Waiting for the first of several operations: what can be chosen, and the choice. */

import { hubIfAny } from "./channel_end.ts";
import { isRefusal } from "../codec/value_rejection.ts";
import {
  atCaller,
  callSite,
  CallSites,
  ChannelError,
  errorAt,
  type Operation,
} from "../core/errors.ts";

/** The method by which `select` tries an operation. */
export const attempt: unique symbol = Symbol("attempt");
/** The method by which `select` learns when to try again. */
export const subscribe: unique symbol = Symbol("subscribe");

/** The outcome of an operation that was done or failed. */
export type Outcome<T> = { value: T } | { error: Error };

/**
 * An operation that {@linkcode select} can choose: a receive, a send, a new channel, the end of a process,
 * or a delay.
 *
 * It is made by `selectableRecv`, `selectableSend`, `selectableAccept`, {@linkcode selectableWait} or
 * {@linkcode after}, may be used in any number of
 * calls, and costs nothing while it is unused.
 *
 * @example
 * ```ts
 * import { after, select, type Selectable } from "deploy";
 *
 * const soon: Selectable<void> = after(1);
 * console.log((await select([soon])).index); // 0
 * ```
 */
export interface Selectable<T> {
  /** @ignore */
  [attempt](): Outcome<T> | undefined;
  /** @ignore */
  [subscribe](wake: () => void): () => void;
}

/** Whether `value` is an operation that `select` can choose. */
export function isSelectable(value: unknown): value is Selectable<unknown> {
  return typeof value === "object" && value !== null && attempt in value && subscribe in value;
}

/**
 * The value type of a `Selectable`.
 *
 * @internal
 */
type ValueOf<Operation> = Operation extends Selectable<infer Value> ? Value : never;

/**
 * `"0"`, a key of a tuple, as the number 0; `number` for the key of any other array.
 *
 * @internal
 */
type IndexOf<Key> = Key extends `${infer Index extends number}` ? Index : number;

/**
 * The operation that {@linkcode select} has done, by its index in the list, and its value; or the one that
 * failed, and the error. To tell the two apart, use `"error" in selected`.
 */
export type Selected<Operations extends readonly Selectable<unknown>[]> =
  | {
    [Key in keyof Operations]: { index: IndexOf<Key>; value: ValueOf<Operations[Key]> };
  }[number]
  | { index: number; error: ChannelError };

/** How many timers of {@linkcode after} are running. */
let timers = 0;

/** How many `select`s are pending that a timer ends. */
export function pendingTimers(): number {
  return timers;
}

/** The longest time that one timer of the system takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Waits until at least one of several operations can be done, does exactly one of those that can,
 * picked at random, and leaves the others untouched; as in Go, occam and CSP.
 *
 * A channel end that has failed counts as ready, and gives `error`.
 *
 * @param options.signal Rejects with its reason when it is aborted; no operation is done then.
 * @throws {TypeError} If there are no operations, or one of them is not an operation.
 *
 * @example
 * ```ts
 * import { after, select } from "deploy";
 *
 * const chosen = await select([after(1), after(60_000)]);
 * console.log(chosen.index); // 0
 * ```
 *
 * @see C. A. R. Hoare, Communicating Sequential Processes, 1978.
 */
export function select<const Operations extends readonly Selectable<unknown>[]>(
  operations: Operations,
  options?: { signal?: AbortSignal },
): Promise<Selected<Operations>> {
  return choose(operations, options?.signal, select) as Promise<Selected<Operations>>;
}

/**
 * A timeout: an operation that can be done `ms` milliseconds after a {@linkcode select} began to wait for
 * it. Each call of `select` starts anew. `Infinity` means never.
 *
 * @throws {TypeError} If `ms` is not a number.
 */
export function after(ms: number): Selectable<void> {
  if (typeof ms !== "number" || Number.isNaN(ms)) {
    throw atCaller(
      new TypeError(`Cannot wait for ${String(ms)}: after() takes a number of milliseconds`),
      after,
    );
  }
  // The time of each select counts from its own subscription; when that is up, it asks.
  let up = ms <= 0;
  return {
    [attempt]: () => {
      if (!up) return undefined;
      up = ms <= 0;
      return { value: undefined };
    },
    [subscribe]: (wake) => {
      const dueMs = performance.now() + ms;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const arm = () => {
        const leftMs = dueMs - performance.now();
        if (leftMs > 0) {
          timer = setTimeout(arm, Math.min(Math.ceil(leftMs), MAX_TIMER_MS));
        } else {
          up = true;
          wake();
        }
      };
      arm();
      const isTimed = ms < Infinity;
      if (isTimed) timers++;
      return () => {
        clearTimeout(timer);
        if (isTimed) timers--;
      };
    },
  };
}

/**
 * Does each of the operations once, in the order in which they become possible.
 *
 * @throws {ChannelError} When one fails; those that are not done by then are left untouched.
 */
export async function run(operations: Iterable<Selectable<unknown>>): Promise<void> {
  const site = callSite(run);
  const left = [...operations];
  while (left.length > 0) {
    const selected = await choose(left, undefined, run);
    if ("error" in selected) throw errorAt(site, selected.error);
    left.splice(selected.index, 1);
  }
}

type Chosen = { index: number; value: unknown } | { index: number; error: ChannelError };

/** Of the calls that wait. */
const sites = new CallSites();

/** @param operation What the program called, for the stack of the error. */
function choose(
  operations: readonly Selectable<unknown>[],
  signal: AbortSignal | undefined,
  operation: Operation,
): Promise<Chosen> {
  if (!Array.isArray(operations) || operations.length === 0) {
    const error = new TypeError("Cannot select: give it a list of at least one operation");
    return Promise.reject(atCaller(error, operation));
  }
  const wrong = operations.findIndex((operation) => !isSelectable(operation));
  if (wrong >= 0) {
    const error = new TypeError(
      `Cannot select: operations[${wrong}] is not an operation; operations come from selectableRecv(), ` +
        `selectableSend(), selectableAccept(), selectableWait() and after()`,
    );
    return Promise.reject(atCaller(error, operation));
  }
  if (signal?.aborted) return Promise.reject(signal.reason);
  const order = shuffled(operations.length);
  try {
    for (const index of order) {
      const outcome = operations[index]![attempt]();
      if (outcome === undefined) continue;
      return Promise.resolve(chosen(index, outcome, (error) => atCaller(error, operation)));
    }
  } catch (error) {
    return Promise.reject(isRefusal(error) ? atCaller(error, operation) : error);
  }
  return waitAndChoose(operations, order, signal, sites.take(operation));
}

/** @param site Where the program called; without it, errors begin where it awaits what this gives. */
async function waitAndChoose(
  operations: readonly Selectable<unknown>[],
  order: readonly number[],
  signal: AbortSignal | undefined,
  site: Error | undefined,
): Promise<Chosen> {
  const placed = <E extends Error>(error: E): E =>
    site === undefined ? atCaller(error, waitAndChoose) : errorAt(site, error);
  let first: First;
  try {
    first = await wait(operations, order, signal);
  } catch (error) {
    throw isRefusal(error) ? placed(error) : error;
  }
  return chosen(first.index, first.outcome, placed);
}

interface First {
  readonly index: number;
  readonly outcome: Outcome<unknown>;
}

/** Waits for the first operation that can be done, when none could be at once. */
function wait(
  operations: readonly Selectable<unknown>[],
  order: readonly number[],
  signal: AbortSignal | undefined,
): Promise<First> {
  return new Promise((resolve, reject) => {
    const hold = hubIfAny()?.hold;
    const leaves: (() => void)[] = [];
    let over = false;
    const end = () => {
      over = true;
      for (const leave of leaves) leave();
      signal?.removeEventListener("abort", abort);
      hold?.release();
    };
    const abort = () => {
      end();
      reject(signal!.reason);
    };
    hold?.acquire();
    signal?.addEventListener("abort", abort, { once: true });
    for (const index of order) {
      if (over) break;
      leaves.push(operations[index]![subscribe](() => {
        if (over) return;
        end();
        try {
          resolve({ index, outcome: operations[index]![attempt]()! });
        } catch (error) {
          reject(error);
        }
      }));
    }
  });
}

/**
 * The result of an operation; throws errors of the program, as opposed to errors of the channel.
 *
 * @param placed Gives an error the stack of the program's call.
 */
function chosen(
  index: number,
  outcome: Outcome<unknown>,
  placed: <E extends Error>(error: E) => E,
): Chosen {
  if ("value" in outcome) return { index, value: outcome.value };
  const error = placed(outcome.error);
  if (error instanceof ChannelError) return { index, error };
  throw error;
}

/** 0 to `count - 1` in random order (Fisher and Yates). */
function shuffled(count: number): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}
