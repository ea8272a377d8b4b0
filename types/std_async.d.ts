/** The functions of `@std/async` that this project uses, which its npm build has no types for. */

/**
 * Settles as `promise` does, or rejects after so long, with a `DOMException` called `TimeoutError`.
 */
export function deadline<T>(promise: Promise<T>, ms: number): Promise<T>;

/** Resolves after so long; rejects with the signal's reason if that is aborted before. */
export function delay(ms: number, options?: { signal?: AbortSignal }): Promise<void>;
