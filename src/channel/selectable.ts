/** An operation that `select` can choose, and the protocol between the two. */

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
