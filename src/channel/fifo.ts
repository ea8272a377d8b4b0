/** A queue whose first item is taken in constant time, however long it is. */

/** Below this length, moving the items up is not worth it. */
const MIN_COMPACT = 64;

/**
 * First in, first out; items may also leave from the middle.
 *
 * `Array.prototype.shift` moves all other items of an array that is large, so that emptying one of
 * 100 000 takes seconds.
 */
export class Fifo<T extends object> {
  #items: (T | undefined)[] = [];
  /** Where the first item stands. */
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
    // Not of an empty array: index -1 would be looked up as the name of a property.
    return this.length === 0 ? undefined : this.#items[this.#items.length - 1];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** Puts an item before all others. */
  unshift(item: T): void {
    if (this.#head > 0) this.#items[--this.#head] = item;
    else this.#items.unshift(item);
  }

  /** Takes the first item. */
  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    // Most queues have one item, or none. To set an array's length takes longer than all the rest.
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

  /** Takes an item from wherever it stands; tells whether it was there. */
  remove(item: T): boolean {
    if (item === this.first) return this.shift() !== undefined;
    const index = this.#items.indexOf(item, this.#head);
    if (index < 0) return false;
    this.#items.splice(index, 1);
    return true;
  }

  /** Takes all items for which `test` is true; gives them in their order. */
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

  /** Takes everything; gives it in its order. */
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
