/** Work on many items, a few at a time. */

/**
 * Calls `work` for each item, in order, at most `limit` at a time. Resolves when all are done. Rejects with the
 * first error, or the reason of `signal`, when the calls that were made have ended; no others are made then.
 */
export async function inParallel<T>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  const workers = Array.from({ length: Math.min(limit, items.length) }, async () => {
    while (next < items.length && failure === undefined) {
      const index = next++;
      try {
        signal?.throwIfAborted();
        await work(items[index]!, index);
      } catch (error) {
        failure ??= { error };
      }
    }
  });
  await Promise.all(workers);
  if (failure !== undefined) throw failure.error;
}
