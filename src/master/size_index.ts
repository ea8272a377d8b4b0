/**
 * Finds the oldest waiting request that fits into some room, among very many of very many sizes.
 *
 * Requests of one size stand in one list. Up to eight sizes stand in a block; where there are more,
 * the block becomes a branch, with up to eight blocks below it, and sizes that are alike in both
 * memory and CPU, on logarithmic scales, come into the same one. So what is too large, or too young,
 * is left out by the branch, and a cluster's few sizes are one short row.
 *
 * Blocks are numbers, and all of them are kept in a few arrays, so that a search reads them in a row.
 */

import type { Amount } from "./amount.ts";
import { type Ticket, TicketList } from "./ticket.ts";

/** How many places a block has: each for a size or, in a branch, for a block below. */
const PLACES = 8;
const PLACE_BITS = 3;

// Of each place, what is least there: memory, CPU, and the sequence of a ticket. Infinite where
// nothing is. Those of a block stand beside each other.
const MEM = 0;
const CPU = PLACES;
const OLDEST = 2 * PLACES;
const STRIDE = 3 * PLACES;

/** After how many blocks a search is content with what it has found. */
const MAX_STEPS = 8;

/** Sizes that differ by less than a 64th of a factor of 2 count as alike. */
const LEVELS_PER_DOUBLING = 64;

/** Levels are less than this power of 2; a double's 53 bits come to 53 * 64 levels. */
const LEVEL_BITS = 12;

/** How many choices of a place the levels of memory and CPU are good for. */
const LEVEL_DIGITS = 2 * LEVEL_BITS / PLACE_BITS;

/** And how many a whole number in a double is. */
const EXACT_DIGITS = 18;

/** What stands for the digit that a branch goes by, in a block that is no branch. */
const ROW = -1;

const ROOT = 0;

/** All waiting requests of one size, the oldest first. */
export class Size<Owner> extends TicketList<Owner> {
  /** Where it stands: its block and the place there, as one number. */
  at = -1;
}

/** The waiting requests by size. Their `sequence` tells which is older. */
export class SizeIndex<Owner> {
  #least = new Float64Array();
  /** What is below each place of a branch: a block, or the root where there is none. */
  #below = new Int32Array();
  /** Where each block stands in the one above. */
  #above = new Int32Array();
  /** Which digit a branch goes by. */
  #digit = new Int8Array();
  /** How many places of each block are taken; in a row, those are the first ones. */
  #taken = new Uint8Array();
  /** The sizes by where they stand. */
  readonly #sizes: (Size<Owner> | undefined)[] = [];
  readonly #unused: number[] = [];
  /** Where the oldest request stands that a search has found so far. */
  #found = -1;
  #foundOldest = Infinity;
  /** How many blocks that search has been to. */
  #steps = 0;

  constructor() {
    this.#grow();
    this.#newRow(-1);
  }

  /** Adds a ticket that is younger than all that are here. */
  add(ticket: Ticket<Owner>): void {
    const { mem, cpu } = ticket;
    const block = this.#rowFor(mem, cpu);
    const least = this.#least;
    for (let place = 0; place < this.#taken[block]!; place++) {
      const at = block * STRIDE + place;
      if (least[at + MEM] !== mem || least[at + CPU] !== cpu) continue;
      ticket.size = this.#sizes[block * PLACES + place]!;
      ticket.size.append(ticket);
      return;
    }
    ticket.size = new Size();
    ticket.size.append(ticket);
    this.#insert(ticket.size, block, mem, cpu, ticket.sequence);
  }

  /** Removes a ticket. */
  remove(ticket: Ticket<Owner>): void {
    const size = ticket.size!;
    const wasOldest = size.first === ticket;
    size.remove(ticket);
    ticket.size = undefined;
    if (!wasOldest) return;
    const block = size.at >> PLACE_BITS;
    if (size.first === undefined) return this.#forget(size);
    this.#least[placeOf(size.at) + OLDEST] = size.first.sequence;
    this.#climb(block);
  }

  /**
   * The oldest one that needs no more than `room`; or, if the sizes are so many that finding it takes
   * more than {@linkcode MAX_STEPS} steps, the oldest of those steps.
   */
  oldestThatFits(room: Amount): Ticket<Owner> | undefined {
    this.#found = -1;
    this.#foundOldest = Infinity;
    this.#steps = 0;
    this.#search(ROOT, room.mem, room.cpu);
    return this.#found < 0 ? undefined : this.#sizes[this.#found]!.first;
  }

  /** Whether there is one that needs no more than `room`. */
  anyFits(room: Amount): boolean {
    return this.#hasFitting(ROOT, room.mem, room.cpu);
  }

  #search(block: number, mem: number, cpu: number): void {
    const least = this.#least;
    const start = block * STRIDE;
    // What has the oldest comes first, since then most of the rest need not be looked at.
    let first = -1;
    let oldest = this.#foundOldest;
    for (let place = 0; place < PLACES; place++) {
      const at = start + place;
      if (least[at + MEM]! > mem || least[at + CPU]! > cpu || least[at + OLDEST]! >= oldest) {
        continue;
      }
      first = place;
      oldest = least[at + OLDEST]!;
    }
    if (first < 0) return;
    if (this.#digit[block] === ROW) {
      this.#found = block * PLACES + first;
      this.#foundOldest = oldest;
      return;
    }
    this.#search(this.#below[block * PLACES + first]!, mem, cpu);
    for (let place = 0; place < PLACES; place++) {
      const at = start + place;
      if (place === first || least[at + OLDEST]! >= this.#foundOldest) continue;
      if (least[at + MEM]! > mem || least[at + CPU]! > cpu) continue;
      if (++this.#steps > MAX_STEPS && this.#found >= 0) return;
      this.#search(this.#below[block * PLACES + place]!, mem, cpu);
    }
  }

  #hasFitting(block: number, mem: number, cpu: number): boolean {
    const least = this.#least;
    const isRow = this.#digit[block] === ROW;
    for (let place = 0; place < PLACES; place++) {
      const at = block * STRIDE + place;
      if (least[at + MEM]! > mem || least[at + CPU]! > cpu) continue;
      if (isRow || this.#hasFitting(this.#below[block * PLACES + place]!, mem, cpu)) return true;
    }
    return false;
  }

  /** The row that a size stands in, or is to stand in. */
  #rowFor(mem: number, cpu: number): number {
    const levels = levelsOf(mem, cpu);
    let block = ROOT;
    while (this.#digit[block] !== ROW) {
      const at = block * PLACES + digitOf(levels, mem, cpu, this.#digit[block]!);
      if (this.#below[at] === ROOT) {
        this.#below[at] = this.#newRow(at);
        this.#taken[block]!++;
      }
      block = this.#below[at]!;
    }
    return block;
  }

  #insert(size: Size<Owner>, row: number, mem: number, cpu: number, oldest: number): void {
    let block = row;
    if (this.#taken[row] === PLACES) {
      this.#split(row, mem, cpu);
      block = this.#rowFor(mem, cpu);
    }
    this.#put(size, block, mem, cpu, oldest);
    this.#climb(block);
  }

  /** Puts a size at the next place of a row that is not full. */
  #put(size: Size<Owner>, row: number, mem: number, cpu: number, oldest: number): void {
    size.at = row * PLACES + this.#taken[row]!++;
    this.#sizes[size.at] = size;
    const at = placeOf(size.at);
    this.#least[at + MEM] = mem;
    this.#least[at + CPU] = cpu;
    this.#least[at + OLDEST] = oldest;
  }

  /** Makes a full row a branch, by the first digit in which one of its sizes and another one differ. */
  #split(row: number, mem: number, cpu: number): void {
    const values = this.#least.slice(row * STRIDE, (row + 1) * STRIDE);
    const sizes = this.#sizes.slice(row * PLACES, (row + 1) * PLACES);
    const levels = levelsOf(mem, cpu);
    const differs = (place: number): boolean => {
      const [m, c] = [values[place + MEM]!, values[place + CPU]!];
      return digitOf(levelsOf(m, c), m, c, digit) !== digitOf(levels, mem, cpu, digit);
    };
    let digit = 0;
    while (!sizes.some((_, place) => differs(place))) digit++;
    this.#clear(row);
    this.#digit[row] = digit;
    for (const [place, size] of sizes.entries()) {
      const [m, c] = [values[place + MEM]!, values[place + CPU]!];
      const block = this.#rowFor(m, c);
      this.#put(size!, block, m, c, values[place + OLDEST]!);
    }
    // That of the new size is brought up to date with it, and ends where nothing changes.
    for (let place = 0; place < PLACES; place++) {
      const below = this.#below[row * PLACES + place]!;
      if (below !== ROOT) this.#gather(below);
    }
  }

  /** Takes an empty size out of its row, and what is then empty out of the tree. */
  #forget(size: Size<Owner>): void {
    let block = size.at >> PLACE_BITS;
    const last = block * PLACES + --this.#taken[block]!;
    if (last !== size.at) {
      const moved = this.#sizes[last]!;
      const [from, to] = [placeOf(last), placeOf(size.at)];
      this.#least[to + MEM] = this.#least[from + MEM]!;
      this.#least[to + CPU] = this.#least[from + CPU]!;
      this.#least[to + OLDEST] = this.#least[from + OLDEST]!;
      this.#sizes[size.at] = moved;
      moved.at = size.at;
    }
    this.#sizes[last] = undefined;
    this.#empty(last);
    while (block !== ROOT && this.#taken[block] === 0) {
      const above = this.#above[block]!;
      this.#unused.push(block);
      this.#below[above] = ROOT;
      this.#empty(above);
      block = above >> PLACE_BITS;
      this.#taken[block]!--;
    }
    if (this.#taken[block] === 0) this.#digit[block] = ROW;
    this.#climb(block);
  }

  /** Brings what is above a block up to date, as far as something changes. */
  #climb(from: number): void {
    for (let block = from; block !== ROOT && this.#gather(block);) {
      block = this.#above[block]! >> PLACE_BITS;
    }
  }

  /** Takes over the least of a block to above it; tells whether that changed anything. */
  #gather(block: number): boolean {
    const least = this.#least;
    const start = block * STRIDE;
    let [mem, cpu, oldest] = [Infinity, Infinity, Infinity];
    for (let at = start; at < start + PLACES; at++) {
      if (least[at + MEM]! < mem) mem = least[at + MEM]!;
      if (least[at + CPU]! < cpu) cpu = least[at + CPU]!;
      if (least[at + OLDEST]! < oldest) oldest = least[at + OLDEST]!;
    }
    const above = placeOf(this.#above[block]!);
    if (
      least[above + MEM] === mem && least[above + CPU] === cpu && least[above + OLDEST] === oldest
    ) return false;
    least[above + MEM] = mem;
    least[above + CPU] = cpu;
    least[above + OLDEST] = oldest;
    return true;
  }

  /** An empty row, to stand at a place of a branch. */
  #newRow(above: number): number {
    if (this.#unused.length === 0) this.#grow();
    const row = this.#unused.pop()!;
    this.#clear(row);
    this.#above[row] = above;
    this.#digit[row] = ROW;
    return row;
  }

  #clear(block: number): void {
    this.#least.fill(Infinity, block * STRIDE, (block + 1) * STRIDE);
    this.#below.fill(ROOT, block * PLACES, (block + 1) * PLACES);
    this.#sizes.fill(undefined, block * PLACES, (block + 1) * PLACES);
    this.#taken[block] = 0;
  }

  /** Leaves a place empty. */
  #empty(at: number): void {
    const place = placeOf(at);
    this.#least[place + MEM] = this.#least[place + CPU] = this.#least[place + OLDEST] = Infinity;
  }

  /** Makes room for twice as many blocks. */
  #grow(): void {
    const blocks = this.#taken.length;
    const more = Math.max(1, 2 * blocks);
    const grown = <T extends Float64Array | Int32Array | Int8Array | Uint8Array>(
      to: T,
      from: T,
    ): T => {
      to.set(from);
      return to;
    };
    this.#least = grown(new Float64Array(more * STRIDE), this.#least);
    this.#below = grown(new Int32Array(more * PLACES), this.#below);
    this.#above = grown(new Int32Array(more), this.#above);
    this.#digit = grown(new Int8Array(more), this.#digit);
    this.#taken = grown(new Uint8Array(more), this.#taken);
    while (this.#sizes.length < more * PLACES) this.#sizes.push(undefined);
    for (let block = more - 1; block >= blocks; block--) this.#unused.push(block);
  }
}

/** Where what is least at a place is kept. */
function placeOf(at: number): number {
  return (at >> PLACE_BITS) * STRIDE + (at & PLACES - 1);
}

/** The levels of memory and CPU as one number, whose bits take turns. */
function levelsOf(mem: number, cpu: number): number {
  return SPREAD[levelOf(mem)]! << 1 | SPREAD[levelOf(cpu)]!;
}

function levelOf(amount: number): number {
  return amount < 1 ? 0 : Math.floor(Math.log2(amount) * LEVELS_PER_DOUBLING) + 1;
}

/** The bits of each level, with a zero in front of each. */
const SPREAD = Int32Array.from({ length: 2 ** LEVEL_BITS }, (_, level) => {
  let bits = 0;
  for (let bit = LEVEL_BITS - 1; bit >= 0; bit--) bits = bits << 2 | level >> bit & 1;
  return bits;
});

/**
 * Which place a size has in a branch that goes by this digit. Sizes whose levels are the same differ
 * in a later digit, which is one of their exact memory or CPU.
 */
function digitOf(levels: number, mem: number, cpu: number, digit: number): number {
  if (digit < LEVEL_DIGITS) {
    return levels >> PLACE_BITS * (LEVEL_DIGITS - 1 - digit) & PLACES - 1;
  }
  const exact = digit - LEVEL_DIGITS;
  return exact < EXACT_DIGITS
    ? Math.floor(mem / PLACES ** exact) % PLACES
    : Math.floor(cpu / PLACES ** (exact - EXACT_DIGITS)) % PLACES;
}
