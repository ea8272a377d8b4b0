/**
 * Finds the best node for a request, among thousands, without looking at each.
 *
 * A binary tree whose leaves are nodes. Each inner node holds the extremes of what is below it, which
 * give a lower bound of how full any node below would become; so a search goes where the bound is
 * lowest, and leaves out what cannot be better than what it has found. A bound says the more, the more
 * alike the nodes below are, so the leaves are sorted again from time to time.
 */

import { type Amount, fits } from "./amount.ts";

/** How full a node is, as the tree compares it. */
export interface Load {
  readonly capacity: Amount;
  readonly used: Amount;
  /** How many requests have been granted there. */
  readonly count: number;
}

// Of each node of the tree: shares of capacity in use (the fuller one, memory, CPU), what is free,
// and what a byte and a millionth of a core are as shares.
const FULL = 0;
const MEM_FULL = 1;
const CPU_FULL = 2;
const MEM_FREE = 3;
const CPU_FREE = 4;
const MEM_UNIT = 5;
const CPU_UNIT = 6;
const STRIDE_SHIFT = 3;
const STRIDE = 1 << STRIDE_SHIFT;

/** What each grant counts in addition, so that also those that need nothing are spread. */
const GRANT_SHARE = 1e-12;

/** More than any node can be full, with what its grants count in addition. */
const FULLEST = 1.001;

/** After how many steps a search is content with the best that it has found. */
export const MAX_STEPS = 128;

const LEAST_LEAVES = 16;

/** Fewer changes than this part of all leaves (a power of 2) are carried up the tree one by one. */
const FEW_SHIFT = 4;

/**
 * Leaves are sorted when searches have wasted so many steps for each. Less often is faster, but what
 * searches find within their steps is then worse: with 32 instead of 16, a quarter in one simulation.
 */
const SORT_STEPS = 16;

/** How finely likeness is told when leaves are sorted: in 64 steps of each respect. */
const KEY_BITS = 6;

/** As deep as the tree can be, and so as much as one search can put off at a time. */
const MAX_DEPTH = 32;

/** How full a node would be, by its fuller dimension, if it had `need` too. */
export function fullnessWith(load: Load, need: Amount): number {
  // Searching compares sums of rounded terms, which keep their order; so this has to be such a sum.
  const mem = share(load.used.mem, load.capacity.mem, load.count) +
    (need.mem * unitShare(load.capacity.mem) + GRANT_SHARE);
  const cpu = share(load.used.cpu, load.capacity.cpu, load.count) +
    (need.cpu * unitShare(load.capacity.cpu) + GRANT_SHARE);
  return mem > cpu ? mem : cpu;
}

function unitShare(capacity: number): number {
  return 1 / (capacity > 1 ? capacity : 1);
}

function share(used: number, capacity: number, count: number): number {
  return used / (capacity > 1 ? capacity : 1) + count * GRANT_SHARE;
}

/** The nodes that may be given something. Slots are small numbers, of the caller's choice. */
export class CapacityTree {
  #leaves = LEAST_LEAVES / 2;
  #fields = new Float64Array();
  /** Which leaf a slot has, and which slot a leaf; leaves count from 0 here. */
  #leafOf = new Int32Array();
  #slotAt = new Int32Array();
  /** How many steps searches have taken since the leaves were sorted, beyond what they have to. */
  #wasted = 0;
  /** Where a search continues later: nodes of the tree, and their bounds. */
  readonly #later = new Int32Array(MAX_DEPTH);
  readonly #laterBound = new Float64Array(MAX_DEPTH);
  /** What each slot shows, unless it is hidden. */
  readonly #loads: (Load | undefined)[] = [];
  /** The slots whose leaves are to be brought up to date, and whether a slot is one of them. */
  #changed = new Int32Array();
  #changedCount = 0;
  #isChanged = new Uint8Array();

  constructor() {
    this.#grow();
  }

  /**
   * Shows a node at a slot, or that something has changed of it. The next search looks at it, so that
   * many changes between two searches cost no more than one.
   */
  set(slot: number, load: Load): void {
    while (slot >= this.#leaves) this.#grow();
    this.#loads[slot] = load;
    this.#change(slot);
  }

  /** Takes the node at a slot out of all searches, until it is set again. */
  hide(slot: number): void {
    if (slot >= this.#leaves) return;
    this.#loads[slot] = undefined;
    this.#change(slot);
  }

  #change(slot: number): void {
    if (this.#isChanged[slot] !== 0) return;
    this.#isChanged[slot] = 1;
    this.#changed[this.#changedCount++] = slot;
  }

  /** Brings the tree up to date. */
  #update(): void {
    const few = this.#changedCount < this.#leaves >> FEW_SHIFT;
    for (let index = 0; index < this.#changedCount; index++) {
      const slot = this.#changed[index]!;
      this.#isChanged[slot] = 0;
      const leaf = this.#leafOf[slot]!;
      this.#fill(leaf);
      if (few) climb(this.#fields, this.#leaves + leaf);
    }
    this.#changedCount = 0;
    if (!few) gatherAll(this.#fields, this.#leaves);
  }

  /**
   * The slot of a node that has room for `need` and would be the least full with it, by its fuller
   * dimension; -1 if none has room. Among so many nodes that finding the very best takes more than
   * {@linkcode MAX_STEPS} steps, it is the best of those steps.
   */
  findRoom(need: Amount): number {
    return this.#search(need, true);
  }

  /**
   * As {@linkcode findRoom} among the nodes that are large enough, whether or not they have room: one
   * that lacks the least share of its capacity.
   */
  findLargeEnough(need: Amount): number {
    return this.#search(need, false);
  }

  #search(need: Amount, room: boolean): number {
    if (this.#changedCount > 0) this.#update();
    const [later, laterBound, leaves] = [this.#later, this.#laterBound, this.#leaves];
    let best = Infinity;
    let bestNode = -1;
    let waiting = 0;
    let steps = 0;
    let node = 1;
    let bound = this.#bound(node, need, room);
    for (;;) {
      while (bound < best && node < leaves) {
        const left = 2 * node;
        const leftBound = this.#bound(left, need, room);
        const rightBound = this.#bound(left + 1, need, room);
        const goesLeft = leftBound <= rightBound;
        const otherBound = goesLeft ? rightBound : leftBound;
        if (otherBound < best) {
          later[waiting] = goesLeft ? left + 1 : left;
          laterBound[waiting++] = otherBound;
        }
        node = goesLeft ? left : left + 1;
        bound = goesLeft ? leftBound : rightBound;
        steps++;
      }
      if (bound < best) {
        best = bound;
        bestNode = node;
      }
      // Without a result, the search goes on: what fits somewhere must not wait.
      if (waiting === 0 || (steps >= MAX_STEPS && bestNode >= 0)) break;
      node = later[--waiting]!;
      bound = laterBound[waiting]!;
    }
    const slot = bestNode < 0 ? -1 : this.#slotAt[bestNode - leaves]!;
    // So sorting costs no more than what it is meant to save.
    if (steps > MAX_DEPTH && (this.#wasted += steps) > SORT_STEPS * leaves) this.#sort();
    return slot;
  }

  /** What no node below is less full than, with `need`; of a leaf, how full. Infinite if none can. */
  #bound(node: number, need: Amount, room: boolean): number {
    const fields = this.#fields;
    const at = node << STRIDE_SHIFT;
    const { mem, cpu } = need;
    if (room) {
      if (fields[at + MEM_FREE]! < mem || fields[at + CPU_FREE]! < cpu) return Infinity;
    } else if (node >= this.#leaves) {
      const slot = this.#slotAt[node - this.#leaves]!;
      const load = this.#loads[slot];
      if (load === undefined || !fits(need, load.capacity)) return Infinity;
    }
    const memShare = mem * fields[at + MEM_UNIT]! + GRANT_SHARE;
    const cpuShare = cpu * fields[at + CPU_UNIT]! + GRANT_SHARE;
    const byMem = fields[at + MEM_FULL]! + memShare;
    const byCpu = fields[at + CPU_FULL]! + cpuShare;
    const byFuller = fields[at + FULL]! + (memShare < cpuShare ? memShare : cpuShare);
    const most = byMem > byCpu ? byMem : byCpu;
    const bound = most > byFuller ? most : byFuller;
    return room && bound > FULLEST ? Infinity : bound;
  }

  /** Makes room for twice as many slots. */
  #grow(): void {
    const leaves = this.#leaves = 2 * this.#leaves;
    this.#fields = new Float64Array((2 * leaves) << STRIDE_SHIFT);
    this.#leafOf = Int32Array.from({ length: leaves }, (_, leaf) => leaf);
    this.#slotAt = this.#leafOf.slice();
    this.#changed = new Int32Array(leaves);
    this.#isChanged = new Uint8Array(leaves);
    this.#fillAll();
  }

  /** Puts alike nodes beside each other; hidden ones go to the end. */
  #sort(): void {
    const [leaves, loads] = [this.#leaves, this.#loads];
    const memRange = rangeOf(loads, (capacity) => capacity.mem);
    const cpuRange = rangeOf(loads, (capacity) => capacity.cpu);
    const keys = new Float64Array(leaves);
    for (let slot = 0; slot < leaves; slot++) {
      const load = loads[slot];
      const key = load === undefined ? 2 ** (4 * KEY_BITS) : interleave(
        share(load.used.mem, load.capacity.mem, 0),
        share(load.used.cpu, load.capacity.cpu, 0),
        placeIn(memRange, load.capacity.mem),
        placeIn(cpuRange, load.capacity.cpu),
      );
      keys[slot] = key * leaves + slot;
    }
    keys.sort();
    for (let leaf = 0; leaf < leaves; leaf++) {
      const slot = keys[leaf]! % leaves;
      this.#slotAt[leaf] = slot;
      this.#leafOf[slot] = leaf;
    }
    this.#fillAll();
    this.#wasted = 0;
  }

  /** Makes the whole tree anew. */
  #fillAll(): void {
    for (let leaf = 0; leaf < this.#leaves; leaf++) this.#fill(leaf);
    gatherAll(this.#fields, this.#leaves);
    this.#isChanged.fill(0);
    this.#changedCount = 0;
  }

  /** Takes over what the slot of a leaf shows. */
  #fill(leaf: number): void {
    const [fields, load] = [this.#fields, this.#loads[this.#slotAt[leaf]!]];
    const at = (this.#leaves + leaf) << STRIDE_SHIFT;
    if (load === undefined) {
      // Nothing is granted there, and it does not count in what is above.
      fields[at + FULL] = fields[at + MEM_FULL] = fields[at + CPU_FULL] = Infinity;
      fields[at + MEM_FREE] = fields[at + CPU_FREE] = -1;
      // No share is larger; and infinite, it would make NaN of a need of 0.
      fields[at + MEM_UNIT] = fields[at + CPU_UNIT] = 1;
      return;
    }
    const { capacity, used, count } = load;
    const memFull = share(used.mem, capacity.mem, count);
    const cpuFull = share(used.cpu, capacity.cpu, count);
    fields[at + FULL] = memFull > cpuFull ? memFull : cpuFull;
    fields[at + MEM_FULL] = memFull;
    fields[at + CPU_FULL] = cpuFull;
    fields[at + MEM_FREE] = capacity.mem - used.mem;
    fields[at + CPU_FREE] = capacity.cpu - used.cpu;
    fields[at + MEM_UNIT] = unitShare(capacity.mem);
    fields[at + CPU_UNIT] = unitShare(capacity.cpu);
  }
}

/** Brings what is above a leaf up to date, as far as something changes. */
function climb(fields: Float64Array, leaf: number): void {
  for (let node = leaf >> 1; node > 0 && gather(fields, node); node >>= 1);
}

/** Brings all that is above the leaves up to date. */
function gatherAll(fields: Float64Array, leaves: number): void {
  for (let node = leaves - 1; node > 0; node--) gather(fields, node);
}

/** Takes over the extremes of both children; tells whether that changed anything. */
function gather(fields: Float64Array, node: number): boolean {
  const at = node << STRIDE_SHIFT;
  const left = at << 1;
  const right = left + STRIDE;
  let changed = false;
  for (let field = FULL; field <= CPU_UNIT; field++) {
    const a = fields[left + field]!;
    const b = fields[right + field]!;
    const extreme = field === MEM_FREE || field === CPU_FREE ? (a > b ? a : b) : (a < b ? a : b);
    if (extreme !== fields[at + field]) {
      fields[at + field] = extreme;
      changed = true;
    }
  }
  return changed;
}

/** The logarithms of the least and the largest capacity. */
function rangeOf(
  loads: readonly (Load | undefined)[],
  of: (capacity: Amount) => number,
): [number, number] {
  let [least, largest] = [Infinity, 0];
  for (const load of loads) {
    const capacity = load === undefined ? 0 : of(load.capacity);
    if (capacity > 0 && capacity < least) least = capacity;
    if (capacity > largest) largest = capacity;
  }
  return [Math.log2(least), Math.log2(largest)];
}

/** Where a capacity stands in a range, from 0 to 1. */
function placeIn([least, largest]: [number, number], capacity: number): number {
  return capacity > 0 && largest > least ? (Math.log2(capacity) - least) / (largest - least) : 0;
}

/** A number whose order keeps together what is near in each of four respects, each from 0 to 1. */
function interleave(a: number, b: number, c: number, d: number): number {
  return 8 * spread(a) + 4 * spread(b) + 2 * spread(c) + spread(d);
}

/** The bits of a step of a place, with three zeros in front of each. */
function spread(place: number): number {
  return SPREAD[Math.min(SPREAD.length - 1, Math.floor(place * SPREAD.length))]!;
}

/** {@linkcode spread} of each step. */
const SPREAD = Int32Array.from({ length: 2 ** KEY_BITS }, (_, step) => {
  let bits = 0;
  for (let bit = KEY_BITS - 1; bit >= 0; bit--) bits = bits << 4 | step >> bit & 1;
  return bits;
});
