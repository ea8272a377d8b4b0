/**
 * Finds the oldest waiting request that fits into the given room, among any number of sizes.
 *
 * Requests of one size form a list. Similar sizes are in one bin, and similar bins in a larger one, so
 * that each has few parts: a search skips what needs too much at least, or is younger than its find.
 *
 * Only the choice of a bin rounds. Each request keeps its exact need: if that were rounded up
 * too, a request could wait although a node has room for it, and forever if no node had more.
 *
 * One list for each quarter of an octave of sizes, in place of bins in bins, takes 90 lines less. But where all
 * sizes differ, a fifth as many decisions are made a second, and three quarters as many with eight sizes.
 */

import { type Amount, fits } from "./amount.ts";
import { type Ticket, TicketList } from "./ticket.ts";

/** A bin with this many sizes is divided. */
const MOST_SIZES = 32;

/** Sizes that differ by less than about a millionth stay in one bin, however many there are. */
const MOST_DEPTH = 12;

/** The number of bins after which a search returns the oldest request found so far. */
const MOST_SEARCHED = 16;

/** All waiting requests of one size, the oldest first. */
class Size<Owner> extends TicketList<Owner> implements Amount {
  readonly mem: number;
  readonly cpu: number;
  /** The `sequence` of the oldest. */
  oldest: number;

  constructor({ mem, cpu, sequence }: Ticket<Owner>) {
    super();
    this.mem = mem;
    this.cpu = cpu;
    this.oldest = sequence;
  }
}

/** Similar sizes: a few of them, or smaller bins. */
class Bin<Owner> implements Amount {
  /** The least values of what is in it. */
  mem = Infinity;
  cpu = Infinity;
  oldest = Infinity;
  sizes: Size<Owner>[] = [];
  readonly bins: Bin<Owner>[] = [];
  readonly parent: Bin<Owner> | undefined;
  readonly key: number;
  readonly depth: number;

  constructor(parent?: Bin<Owner>, key = 0) {
    this.parent = parent;
    this.key = key;
    this.depth = parent === undefined ? 0 : parent.depth + 1;
  }

  /** The bin directly in this one for a size. */
  binFor(size: Amount): Bin<Owner> {
    const key = keyOf(size, this.depth + 1);
    let bin = this.bins.find((other) => other.key === key);
    if (bin === undefined) this.bins.push(bin = new Bin(this, key));
    return bin;
  }

  sizeFor({ mem, cpu }: Amount): Size<Owner> | undefined {
    return this.sizes.find((size) => size.mem === mem && size.cpu === cpu);
  }

  /** Moves the sizes into smaller bins. */
  divide(): void {
    for (const size of this.sizes) this.binFor(size).sizes.push(size);
    for (const bin of this.bins) bin.#findLeast();
    this.sizes = [];
  }

  /** Brings the least values up to date, here and around it, and drops bins that are empty. */
  update(): void {
    if (!this.#findLeast() || this.parent === undefined) return;
    if (this.oldest === Infinity) drop(this, this.parent.bins);
    this.parent.update();
  }

  #findLeast(): boolean {
    const { mem, cpu, oldest } = this;
    this.mem = this.cpu = this.oldest = Infinity;
    for (const part of this.bins.length > 0 ? this.bins : this.sizes) {
      if (part.mem < this.mem) this.mem = part.mem;
      if (part.cpu < this.cpu) this.cpu = part.cpu;
      if (part.oldest < this.oldest) this.oldest = part.oldest;
    }
    return mem !== this.mem || cpu !== this.cpu || oldest !== this.oldest;
  }
}

/** The waiting requests by size, ordered by `sequence`. */
export class SizeIndex<Owner> {
  readonly #root = new Bin<Owner>();
  /** The number of bins in which the current search has looked. */
  #searched = 0;

  /** Adds a ticket that is younger than all others here. */
  add(ticket: Ticket<Owner>): void {
    let bin = this.#binFor(ticket);
    let size = bin.sizeFor(ticket);
    if (size !== undefined) return size.append(ticket);
    for (; bin.sizes.length >= MOST_SIZES && bin.depth < MOST_DEPTH; bin = bin.binFor(ticket)) {
      bin.divide();
    }
    size = new Size(ticket);
    size.append(ticket);
    bin.sizes.push(size);
    bin.update();
  }

  /** Removes a ticket. */
  remove(ticket: Ticket<Owner>): void {
    const bin = this.#binFor(ticket);
    const size = bin.sizeFor(ticket)!;
    size.remove(ticket);
    if (ticket.sequence > size.oldest) return;
    size.oldest = size.first?.sequence ?? Infinity;
    if (size.first === undefined) drop(size, bin.sizes);
    bin.update();
  }

  /**
   * The oldest request that needs at most `room`; among hundreds of sizes, an old one, after a bounded
   * search.
   */
  oldestThatFits(room: Amount): Ticket<Owner> | undefined {
    this.#searched = 0;
    return this.#oldestIn(this.#root, room, undefined)?.first;
  }

  /** Whether there is a request that needs at most `room`. */
  anyFits(room: Amount): boolean {
    return anyIn(this.#root, room);
  }

  #oldestIn(
    bin: Bin<Owner>,
    room: Amount,
    found: Size<Owner> | undefined,
  ): Size<Owner> | undefined {
    if (this.#searched++ >= MOST_SEARCHED && found !== undefined) return found;
    let oldest = found?.oldest ?? Infinity;
    for (const size of bin.sizes) {
      if (size.oldest < oldest && fits(size, room)) [found, oldest] = [size, size.oldest];
    }
    for (const inner of bin.bins) {
      if (inner.oldest >= oldest || !fits(inner, room)) continue;
      found = this.#oldestIn(inner, room, found);
      oldest = found?.oldest ?? Infinity;
    }
    return found;
  }

  #binFor(size: Amount): Bin<Owner> {
    let bin = this.#root;
    while (bin.bins.length > 0) bin = bin.binFor(size);
    return bin;
  }
}

function anyIn(bin: Bin<unknown>, room: Amount): boolean {
  return bin.sizes.some((size) => fits(size, room)) ||
    bin.bins.some((inner) => fits(inner, room) && anyIn(inner, room));
}

function drop<T>(item: T, list: T[]): void {
  const last = list.pop()!;
  if (last !== item) list[list.indexOf(item)] = last;
}

/** The root spans 64 powers of 2 in both dimensions, and each bin a quarter of the one around it. */
function keyOf({ mem, cpu }: Amount, depth: number): number {
  const scale = 4 ** depth / 64;
  return Math.floor(Math.log2(mem + 1) * scale) * 2 ** 26 + Math.floor(Math.log2(cpu + 1) * scale);
}
