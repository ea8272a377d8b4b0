/**
 * Finds the best node for a request among thousands without examining each.
 *
 * A binary tree whose leaves are cluster nodes. Each inner node holds the least values of its subtree,
 * which give a lower bound of how full any node below would become. A search goes where the bound is
 * lowest, and prunes subtrees that cannot be better than its best find. Bounds are tighter the more
 * alike the nodes below are, so the leaves are sorted again from time to time.
 *
 * Groups of alike nodes, or blocks of 64, in place of the tree take 70 to 150 lines less, but half as many
 * decisions are made a second, and the nodes found are fuller than the best one by 0.03 of their size
 * instead of 0.001.
 */

import { type Amount, fits } from "./amount.ts";
import type { PlacementNode } from "./ticket.ts";

// Of each node of the tree: shares of capacity in use (the fuller one, memory, CPU), what a byte and a
// millionth of a core are as shares, and what is free, negated, so that the least value counts everywhere.
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
const MAX_STEPS = 128;

/**
 * Leaves are sorted when searches have wasted this many steps for each. Less often is faster, but the
 * result of a search within its steps is then worse: with 32 instead of 16, by a quarter in a simulation.
 */
const SORT_STEPS = 16;

/** If more than this share of the leaves changed (a power of 2), the whole tree is rebuilt. */
const FEW_SHIFT = 4;

/** The maximum depth of the tree, and so of a search's stack. */
const MAX_DEPTH = 32;

/** What the fullness of a node depends on. */
export interface Load {
  readonly capacity: Amount;
  readonly used: Amount;
  readonly tickets: { readonly length: number };
}

/** How full a node would be with `need`, by its fuller dimension; 1 is full. */
export function fullnessWith({ capacity, used, tickets }: Load, need: Amount): number {
  // Searching compares sums of rounded terms, which keep their order; so this has to be such a sum.
  const mem = share(used.mem, capacity.mem, tickets.length) +
    (need.mem * unitShare(capacity.mem) + GRANT_SHARE);
  const cpu = share(used.cpu, capacity.cpu, tickets.length) +
    (need.cpu * unitShare(capacity.cpu) + GRANT_SHARE);
  return Math.max(mem, cpu);
}

function unitShare(capacity: number): number {
  return 1 / (capacity > 1 ? capacity : 1);
}

function share(used: number, capacity: number, count: number): number {
  return used / (capacity > 1 ? capacity : 1) + count * GRANT_SHARE;
}

/** The nodes that can be granted requests. */
export class NodeIndex<Owner> {
  #leaves = 8;
  #fields = new Float64Array();
  /** By leaf; leaves count from 0 here. */
  #nodes: (PlacementNode<Owner> | undefined)[] = [];
  #free: number[] = [];
  /** The leaves that are out of date. */
  readonly #changed = new Set<number>();
  /** The number of steps beyond the minimum that searches have taken since the leaves were sorted. */
  #wasted = 0;
  /** The stack of a search: nodes of the tree, and their bounds. */
  readonly #later = new Int32Array(MAX_DEPTH);
  readonly #laterBound = new Float64Array(MAX_DEPTH);

  constructor() {
    this.#arrange([]);
  }

  /**
   * Adds a node, or marks it as changed. It is read by the next search, so that many changes between two
   * searches cost as much as one.
   */
  set(node: PlacementNode<Owner>): void {
    if (node.leaf < 0) {
      if (this.#free.length === 0) this.#arrange(this.#nodes);
      node.leaf = this.#free.pop()!;
      this.#nodes[node.leaf] = node;
    }
    this.#changed.add(node.leaf);
  }

  /** Excludes a node from searches until it is set again. */
  hide(node: PlacementNode<Owner>): void {
    if (node.leaf < 0) return;
    this.#nodes[node.leaf] = undefined;
    this.#free.push(node.leaf);
    this.#changed.add(node.leaf);
    node.leaf = -1;
  }

  /**
   * The node that has room for `need` and would be the least full with it, by its fuller
   * dimension. If finding the very best takes more than {@linkcode MAX_STEPS} steps, it is the best found
   * in those steps.
   */
  findRoom(need: Amount): PlacementNode<Owner> | undefined {
    return this.#search(need, true);
  }

  /**
   * Like {@linkcode findRoom}, but among all nodes that are large enough, whether or not they have room:
   * the one that lacks the smallest share of its capacity.
   */
  findLargeEnough(need: Amount): PlacementNode<Owner> | undefined {
    return this.#search(need, false);
  }

  #search(need: Amount, room: boolean): PlacementNode<Owner> | undefined {
    if (this.#changed.size > this.#leaves >> FEW_SHIFT) this.#arrange(this.#nodes);
    for (const leaf of this.#changed) this.#refresh(leaf);
    this.#changed.clear();
    const [later, laterBound, leaves] = [this.#later, this.#laterBound, this.#leaves];
    // Without room, any bound will do.
    let best = room ? FULLEST : Infinity;
    let found: PlacementNode<Owner> | undefined;
    let waiting = 0;
    let steps = 0;
    let at = 1;
    let bound = this.#bound(at, need, room);
    for (;;) {
      while (bound < best && at < leaves) {
        const left = 2 * at;
        const leftBound = this.#bound(left, need, room);
        const rightBound = this.#bound(left + 1, need, room);
        const goesLeft = leftBound <= rightBound;
        const otherBound = goesLeft ? rightBound : leftBound;
        if (otherBound < best) {
          later[waiting] = goesLeft ? left + 1 : left;
          laterBound[waiting++] = otherBound;
        }
        at = goesLeft ? left : left + 1;
        bound = goesLeft ? leftBound : rightBound;
        steps++;
      }
      if (bound < best) {
        const node = this.#nodes[at - leaves]!;
        if (room || fits(need, node.capacity)) [best, found] = [bound, node];
      }
      // Without a result the search goes on: a request that fits somewhere must not wait.
      if (waiting === 0 || (steps >= MAX_STEPS && found !== undefined)) break;
      at = later[--waiting]!;
      bound = laterBound[waiting]!;
    }
    // This bounds the cost of sorting by the steps that it saves.
    if (steps > MAX_DEPTH && (this.#wasted += steps) > SORT_STEPS * leaves) this.#sort();
    return found;
  }

  /** A lower bound of the fullness with `need`, exact for a leaf. Infinite if no node has room for it. */
  #bound(at: number, need: Amount, room: boolean): number {
    const fields = this.#fields;
    const first = at << STRIDE_SHIFT;
    if (room && (need.mem > -fields[first + MEM_FREE]! || need.cpu > -fields[first + CPU_FREE]!)) {
      return Infinity;
    }
    const mem = need.mem * fields[first + MEM_UNIT]! + GRANT_SHARE;
    const cpu = need.cpu * fields[first + CPU_UNIT]! + GRANT_SHARE;
    const byMem = fields[first + MEM_FULL]! + mem;
    const byCpu = fields[first + CPU_FULL]! + cpu;
    const byFuller = fields[first + FULL]! + (mem < cpu ? mem : cpu);
    const most = byMem > byCpu ? byMem : byCpu;
    return most > byFuller ? most : byFuller;
  }

  /** Puts similar nodes beside each other. */
  #sort(): void {
    const nodes = this.#nodes.filter((node) => node !== undefined);
    const keys = new Float64Array(nodes.length);
    for (let at = 0; at < keys.length; at++) keys[at] = likeness(nodes[at]!) * keys.length + at;
    keys.sort();
    this.#arrange(Array.from(keys, (key) => nodes[key % keys.length]));
    this.#wasted = 0;
  }

  /** Builds the whole tree again, larger if all leaves are in use. */
  #arrange(nodes: (PlacementNode<Owner> | undefined)[]): void {
    while (this.#leaves <= nodes.length && !nodes.includes(undefined)) this.#leaves *= 2;
    const length = 2 * this.#leaves * STRIDE;
    if (this.#fields.length !== length) this.#fields = new Float64Array(length);
    this.#nodes = nodes;
    this.#free = [];
    for (let leaf = this.#leaves - 1; leaf >= 0; leaf--) {
      const node = nodes[leaf];
      if (node === undefined) this.#free.push(leaf);
      else node.leaf = leaf;
      this.#fill(leaf);
    }
    for (let at = this.#leaves - 1; at > 0; at--) gather(this.#fields, at);
    this.#changed.clear();
  }

  /** Updates a leaf, and its ancestors as far as something changes. */
  #refresh(leaf: number): void {
    this.#fill(leaf);
    for (let at = (this.#leaves + leaf) >> 1; at > 0 && gather(this.#fields, at);) at >>= 1;
  }

  #fill(leaf: number): void {
    const [fields, node] = [this.#fields, this.#nodes[leaf]];
    const at = (this.#leaves + leaf) << STRIDE_SHIFT;
    if (node === undefined) {
      // Nothing is granted there, and it does not affect its ancestors. Shares of 1 are larger than any,
      // where Infinity would give NaN for a need of 0.
      fields.fill(Infinity, at, at + STRIDE).fill(1, at + MEM_UNIT, at + MEM_FREE);
      return;
    }
    const { capacity, used, free, tickets } = node;
    const mem = fields[at + MEM_FULL] = share(used.mem, capacity.mem, tickets.length);
    const cpu = fields[at + CPU_FULL] = share(used.cpu, capacity.cpu, tickets.length);
    fields[at + FULL] = Math.max(mem, cpu);
    fields[at + MEM_UNIT] = unitShare(capacity.mem);
    fields[at + CPU_UNIT] = unitShare(capacity.cpu);
    fields[at + MEM_FREE] = -free.mem;
    fields[at + CPU_FREE] = -free.cpu;
  }
}

/** Takes the least values of both children; returns whether that changed anything. */
function gather(fields: Float64Array, node: number): boolean {
  const at = node << STRIDE_SHIFT;
  const left = at << 1;
  const right = left + STRIDE;
  let changed = false;
  for (let field = FULL; field <= CPU_FREE; field++) {
    const a = fields[left + field]!;
    const b = fields[right + field]!;
    const least = a < b ? a : b;
    if (least === fields[at + field]) continue;
    fields[at + field] = least;
    changed = true;
  }
  return changed;
}

/** A sort key that keeps nodes of similar fullness and similar size together: 6 bits of each, in turn. */
function likeness({ capacity, used }: Load): number {
  const memFull = Math.round(63 * used.mem * unitShare(capacity.mem));
  const cpuFull = Math.round(63 * used.cpu * unitShare(capacity.cpu));
  const mem = Math.round(4 * Math.log2(capacity.mem + 1));
  const cpu = Math.round(4 * Math.log2(capacity.cpu + 1));
  let key = 0;
  for (let bit = 5; bit >= 0; bit--) {
    key = key << 4 | (memFull >> bit & 1) << 3 | (cpuFull >> bit & 1) << 2 | (mem >> bit & 1) << 1 |
      cpu >> bit & 1;
  }
  return key;
}
