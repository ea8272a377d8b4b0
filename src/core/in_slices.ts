/** Does something for very many items without holding up everything else. */

/** How many are done between two turns of the event loop. */
export const SLICE = 500;

/**
 * Calls `act` for each of the items: for the first ones now, and for the others later, some in each turn of the event
 * loop. Items that are gone by then are left out, as with any iterator of a set or map.
 */
export function inSlices<Item>(items: Iterable<Item>, act: (item: Item) => void): void {
  const iterator = items[Symbol.iterator]();
  const slice = (): void => {
    for (let count = 0; count < SLICE; count++) {
      const next = iterator.next();
      if (next.done === true) return;
      act(next.value);
    }
    setTimeout(slice, 0);
  };
  slice();
}
