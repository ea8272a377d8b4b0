/**
 * Finds the best node for a request among thousands without examining each.
 *
 * A binary tree whose leaves are cluster nodes. Each inner node holds the extremes of its subtree, which
 * give a lower bound of how full any node below would become. A search goes where the bound is
 * lowest, and prunes subtrees that cannot be better than its best find. Bounds are tighter the more
 * alike the nodes below are, so the leaves are sorted again from time to time.
 *
 * Blocks of 64 nodes in place of a tree take 70 lines less, but make half as many decisions a second,
 * and find nodes that are fuller than the best one by 0.027 of their size instead of 0.002.
 */

import { type Amount, fits } from "./amount.ts";

/** The fullness of a node, as the tree compares it. */
export interface Load {
  readonly capacity: Amount;
  readonly used: Amount;
  /** The number of requests granted there. */
  readonly count: number;
}

// Of each node of the tree: shares of capacity in use (the fuller one, memory, CPU), what a byte and a
// millionth of a core are as shares, and what is free. The last two keep the largest of what is below.
const FULL = 0;
const MEM_FULL = 1;
const CPU_FULL = 2;
const MEM_UNIT = 3;
const CPU_UNIT = 4;
const MEM_FREE = 5;
const CPU_FREE = 6;
const STRIDE_SHIFT = 3;
const STRIDE = 1 << STRIDE_SHIFT;

/** A small extra cost of each grant, so that requests that need nothing are spread too. */
const GRANT_SHARE = 1e-12;

/** More than the fullness of any node, including the extra cost of its grants. */
const FULLEST = 1.001;

/** The number of steps after which a search returns the best node found so far. */
export const MAX_STEPS = 128;

/**
 * Leaves are sorted when searches have wasted this many steps for each. Less often is faster, but the
 * result of a search within its steps is then worse: with 32 instead of 16, by a quarter in a simulation.
 */
const SORT_STEPS = 16;

/** If more than this share of the leaves changed (a power of 2), the whole tree is rebuilt. */
const FEW_SHIFT = 4;

/** The maximum depth of the tree, and so of a search's stack. */
const MAX_DEPTH = 32;

/** How full a node would be with `need`, by its fuller dimension. */
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

/** The nodes that can be granted requests. Slots are small numbers chosen by the caller. */
export class NodeIndex {
  #leaves = 8;
  #fields = new Float64Array();
  /** The leaf of each slot, and the slot of each leaf; leaves count from 0 here. */
  #leafOf = new Int32Array();
  #slotAt = new Int32Array();
  /** The slots whose leaves are stale. */
  readonly #stale = new Set<number>();
  /** The number of steps beyond the minimum that searches have taken since the leaves were sorted. */
  #wasted = 0;
  /** The stack of a search: nodes of the tree, and their bounds. */
  readonly #later = new Int32Array(MAX_DEPTH);
  readonly #laterBound = new Float64Array(MAX_DEPTH);
  /** The node of each slot, unless it is hidden. */
  readonly #loads: (Load | undefined)[] = [];

  constructor() {
    this.#grow();
  }

  /**
   * Sets the node of a slot, or marks it as changed. It is read by the next search, so that
   * many changes between two searches cost as much as one.
   */
  set(slot: number, load: Load): void {
    while (slot >= this.#leaves) this.#grow();
    this.#loads[slot] = load;
    this.#stale.add(slot);
  }

  /** Excludes the node of a slot from searches until it is set again. */
  hide(slot: number): void {
    if (this.#loads[slot] === undefined) return;
    this.#loads[slot] = undefined;
    this.#stale.add(slot);
  }

  /**
   * The slot of a node that has room for `need` and would be the least full with it, by its fuller
   * dimension; -1 if none has room. If finding the very best takes more than
   * {@linkcode MAX_STEPS} steps, it is the best found in those steps.
   */
  findRoom(need: Amount): number {
    return this.#search(need, true);
  }

  /**
   * Like {@linkcode findRoom}, but among all nodes that are large enough, whether or not they have room:
   * the one that lacks the smallest share of its capacity.
   */
  findLargeEnough(need: Amount): number {
    return this.#search(need, false);
  }

  #search(need: Amount, room: boolean): number {
    if (this.#stale.size > 0) this.#refresh();
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
      // Without a result the search goes on: a request that fits somewhere must not wait.
      if (waiting === 0 || (steps >= MAX_STEPS && bestNode >= 0)) break;
      node = later[--waiting]!;
      bound = laterBound[waiting]!;
    }
    const slot = bestNode < 0 ? -1 : this.#slotAt[bestNode - leaves]!;
    // This bounds the cost of sorting by the steps that it saves.
    if (steps > MAX_DEPTH && (this.#wasted += steps) > SORT_STEPS * leaves) this.#sort();
    return slot;
  }

  /** A lower bound of the fullness with `need`, exact for a leaf. Infinite if no node fits. */
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

  /** Doubles the number of slots. */
  #grow(): void {
    this.#leaves *= 2;
    this.#fields = new Float64Array(2 * this.#leaves * STRIDE);
    this.#leafOf = new Int32Array(this.#leaves);
    this.#slotAt = new Int32Array(this.#leaves);
    this.#arrange((leaf) => leaf);
  }

  /** Puts similar nodes beside each other; hidden ones go to the end. */
  #sort(): void {
    const leaves = this.#leaves;
    const keys = Float64Array.from({ length: leaves }, (_, slot) => {
      const load = this.#loads[slot];
      return (load === undefined ? UNLIKE_ANY : likeness(load)) * leaves + slot;
    });
    keys.sort();
    this.#arrange((leaf) => keys[leaf]! % leaves);
    this.#wasted = 0;
  }

  /** Rebuilds the whole tree. */
  #arrange(slotAt: (leaf: number) => number): void {
    for (let leaf = 0; leaf < this.#leaves; leaf++) {
      const slot = slotAt(leaf);
      this.#slotAt[leaf] = slot;
      this.#leafOf[slot] = leaf;
      this.#fill(leaf);
    }
    for (let node = this.#leaves - 1; node > 0; node--) gather(this.#fields, node);
    this.#stale.clear();
  }

  /** Updates stale leaves, and their ancestors as far as something changes. */
  #refresh(): void {
    if (this.#stale.size > this.#leaves >> FEW_SHIFT) this.#arrange((leaf) => this.#slotAt[leaf]!);
    for (const slot of this.#stale) {
      const leaf = this.#leafOf[slot]!;
      this.#fill(leaf);
      let node = (this.#leaves + leaf) >> 1;
      while (node > 0 && gather(this.#fields, node)) node >>= 1;
    }
    this.#stale.clear();
  }

  /** Copies the values of a leaf's node into the tree. */
  #fill(leaf: number): void {
    const [fields, load] = [this.#fields, this.#loads[this.#slotAt[leaf]!]];
    const at = (this.#leaves + leaf) << STRIDE_SHIFT;
    if (load === undefined) {
      // Nothing is granted there, and it does not affect its ancestors.
      fields.fill(Infinity, at, at + MEM_UNIT);
      // Larger than any share. Infinity would give NaN for a need of 0.
      fields.fill(1, at + MEM_UNIT, at + MEM_FREE);
      fields.fill(-1, at + MEM_FREE, at + STRIDE);
      return;
    }
    const { capacity, used, count } = load;
    const memFull = share(used.mem, capacity.mem, count);
    const cpuFull = share(used.cpu, capacity.cpu, count);
    fields[at + FULL] = memFull > cpuFull ? memFull : cpuFull;
    fields[at + MEM_FULL] = memFull;
    fields[at + CPU_FULL] = cpuFull;
    fields[at + MEM_UNIT] = unitShare(capacity.mem);
    fields[at + CPU_UNIT] = unitShare(capacity.cpu);
    fields[at + MEM_FREE] = capacity.mem - used.mem;
    fields[at + CPU_FREE] = capacity.cpu - used.cpu;
  }
}

/** Combines the extremes of both children; returns whether that changed anything. */
function gather(fields: Float64Array, node: number): boolean {
  const at = node << STRIDE_SHIFT;
  const left = at << 1;
  const right = left + STRIDE;
  let changed = false;
  for (let field = FULL; field <= CPU_FREE; field++) {
    const a = fields[left + field]!;
    const b = fields[right + field]!;
    const extreme = field >= MEM_FREE ? (a > b ? a : b) : (a < b ? a : b);
    if (extreme !== fields[at + field]) {
      fields[at + field] = extreme;
      changed = true;
    }
  }
  return changed;
}

/** The number of bits of each dimension in a {@linkcode likeness}. */
const LIKENESS_BITS = 6;

/** More than any {@linkcode likeness}. */
const UNLIKE_ANY = 2 ** (4 * LIKENESS_BITS);

/** A sort key that keeps nodes of similar fullness and similar size together. */
function likeness({ capacity, used }: Load): number {
  const memFull = Math.round(63 * used.mem * unitShare(capacity.mem));
  const cpuFull = Math.round(63 * used.cpu * unitShare(capacity.cpu));
  const mem = Math.round(4 * Math.log2(capacity.mem + 1));
  const cpu = Math.round(4 * Math.log2(capacity.cpu + 1));
  let key = 0;
  for (let bit = LIKENESS_BITS - 1; bit >= 0; bit--) {
    key = key << 4 | (memFull >> bit & 1) << 3 | (cpuFull >> bit & 1) << 2 | (mem >> bit & 1) << 1 |
      cpu >> bit & 1;
  }
  return key;
}
