/** Calls for a sequence of arguments, of which only so many are held at once. */

/** How a map makes its calls. */
export interface MapCalls<A, R> {
  /** How many calls may be under way or have a result that was not taken yet. */
  room(): number;
  call(arg: A): Promise<R>;
  /** The error that the consumer gets for one of a call. */
  failure(error: unknown): unknown;
  /** The consumer has stopped: results of calls are no longer wanted. */
  stop(): void;
}

type Settled<R> = { value: R } | { error: unknown };

/**
 * Yields the results of `call(arg)` for each argument. Arguments are taken while there is room, by a loop
 * of its own, so that a slow source does not hold back results. The first error ends it.
 */
export async function* mapCalls<A, R>(
  args: Iterable<A> | AsyncIterable<A>,
  ordered: boolean,
  calls: MapCalls<A, R>,
): AsyncGenerator<R, void, undefined> {
  /** Results, in the order in which they are yielded; `undefined` while one is awaited. */
  const slots: { settled: Settled<R> | undefined }[] = [];
  let held = 0;
  let ended = false;
  let stopped = false;
  /** What the source threw, which comes behind the results of what it gave before. */
  let sourceFailure: { error: unknown } | undefined;
  // One waiter on either side.
  let wakeReader: (() => void) | undefined;
  let wakeFeeder: (() => void) | undefined;
  const settle = (slot: { settled: Settled<R> | undefined }, settled: Settled<R>) => {
    slot.settled = settled;
    if (!ordered) slots.push(slot);
    if (slots[0]?.settled !== undefined) wakeReader?.();
  };
  const source = Symbol.asyncIterator in args
    ? args[Symbol.asyncIterator]()
    : args[Symbol.iterator]();
  const feed = async () => {
    try {
      while (!stopped) {
        while (!stopped && held >= calls.room()) {
          await new Promise<void>((resolve) => wakeFeeder = resolve);
        }
        if (stopped) break;
        const pulled = source.next();
        const next = pulled instanceof Promise ? await pulled : pulled;
        if (next.done) break;
        if (stopped) break;
        const slot: { settled: Settled<R> | undefined } = { settled: undefined };
        held++;
        if (ordered) slots.push(slot);
        calls.call(next.value).then(
          (value) => settle(slot, { value }),
          (error) => settle(slot, { error }),
        );
      }
    } catch (error) {
      sourceFailure = { error };
    }
    ended = true;
    wakeReader?.();
  };
  const feeding = feed();
  let finished = false;
  try {
    while (true) {
      const slot = slots[0];
      if (slot?.settled === undefined) {
        if (ended && held === 0) {
          if (sourceFailure !== undefined) throw sourceFailure.error;
          break;
        }
        await new Promise<void>((resolve) => wakeReader = resolve);
        wakeReader = undefined;
        continue;
      }
      slots.shift();
      held--;
      wakeFeeder?.();
      if ("error" in slot.settled) throw calls.failure(slot.settled.error);
      yield slot.settled.value;
    }
    finished = true;
  } finally {
    if (!finished) {
      stopped = true;
      wakeFeeder?.();
      calls.stop();
      // A generator that is asked for its end while it runs would wait for itself.
      if (!ended) Promise.resolve(source.return?.()).catch(() => {});
    }
    if (finished) await feeding;
  }
}
