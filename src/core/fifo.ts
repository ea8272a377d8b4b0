/** A queue whose first item is taken in constant time, however long it is. */

/** Below this length, compacting is not worthwhile. */
const MIN_COMPACT = 64;

/**
 * First in, first out; items may also leave from the middle.
 *
 * `Array.prototype.shift` moves all other items of an array that is large, so that emptying one of
 * 100 000 takes seconds.
 */
export class Fifo<T extends object> {
  #items: (T | undefined)[] = [];
  /** The index of the first item. */
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  /** The first item, or `undefined` if there is none. */
  get first(): T | undefined {
    return this.#items[this.#head];
  }

  /** The last item, or `undefined` if there is none. */
  get last(): T | undefined {
    // Not for an empty array: index -1 would be looked up as a property name.
    return this.length === 0 ? undefined : this.#items[this.#items.length - 1];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** Inserts an item at the front. */
  unshift(item: T): void {
    if (this.#head > 0) this.#items[--this.#head] = item;
    else this.#items.unshift(item);
  }

  /** Takes the first item. */
  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    // Most queues have one item or none. Setting an array's length takes longer than everything else.
    if (this.#items.length === 1) return this.#items.pop();
    this.#items[this.#head++] = undefined;
    if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#head = 0;
    } else if (this.#head >= MIN_COMPACT && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** Removes an item from anywhere in the queue; returns whether it was there. */
  remove(item: T): boolean {
    if (item === this.first) return this.shift() !== undefined;
    const index = this.#items.indexOf(item, this.#head);
    if (index < 0) return false;
    this.#items.splice(index, 1);
    return true;
  }

  /** Removes all items for which `test` is true; returns them in order. */
  extract(test: (item: T) => boolean): T[] {
    const taken: T[] = [];
    const kept: T[] = [];
    for (const item of this) (test(item) ? taken : kept).push(item);
    if (taken.length > 0) {
      this.#items = kept;
      this.#head = 0;
    }
    return taken;
  }

  /** Removes all items; returns them in order. */
  drain(): T[] {
    const items = [...this];
    this.clear();
    return items;
  }

  clear(): void {
    this.#items = [];
    this.#head = 0;
  }

  *[Symbol.iterator](): Generator<T, void, void> {
    for (let index = this.#head; index < this.#items.length; index++) yield this.#items[index]!;
  }
}
