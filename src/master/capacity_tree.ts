/**
 * Finds the best node for a request, among thousands, without looking at each.
 *
 * A binary tree whose leaves are nodes. Each inner node holds the extremes of what is below it, which
 * give a lower bound of how full any node below would become; so a search goes where the bound is
 * lowest, and leaves out what cannot be better than what it has found. A bound says the more, the more
 * alike the nodes below are, so the leaves are sorted again from time to time.
 */

import type { Amount } from "./amount.ts";

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

/** Leaves are sorted when searches have wasted so many steps for each, which is what that costs. */
const SORT_STEPS = 8;

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
  #leaves = LEAST_LEAVES;
  #fields = emptyFields(LEAST_LEAVES);
  #memCapacity = new Float64Array(LEAST_LEAVES);
  #cpuCapacity = new Float64Array(LEAST_LEAVES);
  /** Which leaf a slot has, and which slot a leaf; leaves count from 0 here. */
  #leafOf = Int32Array.from({ length: LEAST_LEAVES }, (_, leaf) => leaf);
  #slotAt = this.#leafOf.slice();
  /** How many steps searches have taken since the leaves were sorted, beyond what they have to. */
  #wasted = 0;
  /** Where a search continues later: nodes of the tree, and their bounds. */
  readonly #later = new Int32Array(MAX_DEPTH);
  readonly #laterBound = new Float64Array(MAX_DEPTH);

  /** Shows a node at a slot, or what has changed of it. */
  set(slot: number, load: Load): void {
    while (slot >= this.#leaves) this.#grow();
    const { capacity, used, count } = load;
    const fields = this.#fields;
    const leaf = this.#leaves + this.#leafOf[slot]!;
    const at = leaf << STRIDE_SHIFT;
    const memFull = share(used.mem, capacity.mem, count);
    const cpuFull = share(used.cpu, capacity.cpu, count);
    fields[at + FULL] = memFull > cpuFull ? memFull : cpuFull;
    fields[at + MEM_FULL] = memFull;
    fields[at + CPU_FULL] = cpuFull;
    fields[at + MEM_FREE] = capacity.mem - used.mem;
    fields[at + CPU_FREE] = capacity.cpu - used.cpu;
    fields[at + MEM_UNIT] = unitShare(capacity.mem);
    fields[at + CPU_UNIT] = unitShare(capacity.cpu);
    this.#memCapacity[slot] = capacity.mem;
    this.#cpuCapacity[slot] = capacity.cpu;
    this.#changed(leaf);
  }

  /** Takes the node at a slot out of all searches, until it is set again. */
  hide(slot: number): void {
    if (slot >= this.#leaves) return;
    const leaf = this.#leaves + this.#leafOf[slot]!;
    clearLeaf(this.#fields, leaf);
    this.#changed(leaf);
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
      if (this.#memCapacity[slot]! < mem || this.#cpuCapacity[slot]! < cpu) return Infinity;
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

  /** Brings what is above a leaf up to date, as far as something changes. */
  #changed(leaf: number): void {
    for (let node = leaf >> 1; node > 0 && gather(this.#fields, node); node >>= 1);
  }

  #grow(): void {
    const [oldLeaves, old] = [this.#leaves, this.#fields];
    const leaves = this.#leaves = 2 * oldLeaves;
    this.#fields = emptyFields(leaves);
    this.#fields.set(old.subarray(oldLeaves << STRIDE_SHIFT), leaves << STRIDE_SHIFT);
    for (let node = leaves - 1; node > 0; node--) gather(this.#fields, node);
    this.#memCapacity = grown(this.#memCapacity, leaves);
    this.#cpuCapacity = grown(this.#cpuCapacity, leaves);
    const same = Int32Array.from({ length: leaves }, (_, leaf) => leaf);
    same.set(this.#leafOf);
    this.#leafOf = same.slice();
    same.set(this.#slotAt);
    this.#slotAt = same;
  }

  /** Puts alike nodes beside each other; hidden ones go to the end. */
  #sort(): void {
    const [leaves, fields] = [this.#leaves, this.#fields];
    const old = fields.slice(leaves << STRIDE_SHIFT);
    const memRange = rangeOf(this.#memCapacity);
    const cpuRange = rangeOf(this.#cpuCapacity);
    const keys = new Float64Array(leaves);
    for (let slot = 0; slot < leaves; slot++) {
      const at = this.#leafOf[slot]! << STRIDE_SHIFT;
      const key = old[at + FULL] === Infinity ? 2 ** (4 * KEY_BITS) : interleave(
        old[at + MEM_FULL]!,
        old[at + CPU_FULL]!,
        placeIn(memRange, this.#memCapacity[slot]!),
        placeIn(cpuRange, this.#cpuCapacity[slot]!),
      );
      keys[slot] = key * leaves + slot;
    }
    keys.sort();
    const slotAt = keys.map((key) => key % leaves);
    for (let leaf = 0; leaf < leaves; leaf++) {
      const from = this.#leafOf[slotAt[leaf]!]! << STRIDE_SHIFT;
      const to = (leaves + leaf) << STRIDE_SHIFT;
      for (let field = 0; field < STRIDE; field++) fields[to + field] = old[from + field]!;
    }
    this.#slotAt.set(slotAt);
    for (let leaf = 0; leaf < leaves; leaf++) this.#leafOf[slotAt[leaf]!] = leaf;
    for (let node = leaves - 1; node > 0; node--) gather(fields, node);
    this.#wasted = 0;
  }
}

function emptyFields(leaves: number): Float64Array<ArrayBuffer> {
  const fields = new Float64Array((2 * leaves) << STRIDE_SHIFT);
  for (let node = 1; node < 2 * leaves; node++) clearLeaf(fields, node);
  return fields;
}

/** Makes a leaf one that nothing is granted to, and that does not count in what is above. */
function clearLeaf(fields: Float64Array, leaf: number): void {
  const at = leaf << STRIDE_SHIFT;
  fields.fill(Infinity, at, at + STRIDE);
  fields[at + MEM_FREE] = fields[at + CPU_FREE] = -1;
  // No share is larger; and infinite, it would make NaN of a need of 0.
  fields[at + MEM_UNIT] = fields[at + CPU_UNIT] = 1;
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

function grown(from: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const to = new Float64Array(length);
  to.set(from);
  return to;
}

/** The logarithms of the least and the largest capacity. */
function rangeOf(capacities: Float64Array): [number, number] {
  let [least, largest] = [Infinity, 0];
  for (const capacity of capacities) {
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
  const step = Math.min(2 ** KEY_BITS - 1, Math.floor(place * 2 ** KEY_BITS));
  let bits = 0;
  for (let bit = KEY_BITS - 1; bit >= 0; bit--) bits = bits << 4 | step >> bit & 1;
  return bits;
}
