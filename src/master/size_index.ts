/**
 * Finds the oldest waiting request that fits into some room, among very many of very many sizes.
 *
 * Requests of one size stand in one list. Sizes that are alike stand together in a tree, which splits
 * by both memory and CPU, on logarithmic scales, wherever there are too many of them; so what is too
 * large is left out by the branch, and a cluster's few sizes are one short row.
 */

import type { Amount } from "./amount.ts";
import { type Ticket, TicketList } from "./ticket.ts";

/** How many sizes stand in a row before it is split. */
const ROW = 8;

/** After how many steps a search is content with what it has found. */
const MAX_STEPS = 32;

/** Sizes that differ by less than a 64th of a factor of 2 count as alike. */
const LEVELS_PER_DOUBLING = 64;

/** Levels are less than this power of 2; a double's 53 bits come to 53 * 64 levels. */
const LEVEL_BITS = 12;

/** What decides where a size stands in the tree. */
interface Levels {
  readonly memLevel: number;
  readonly cpuLevel: number;
}

/** All waiting requests of one size, the oldest first. */
export class Size<Owner> implements Amount, Levels {
  readonly mem: number;
  readonly cpu: number;
  readonly tickets: TicketList<Owner> = new TicketList();
  readonly memLevel: number;
  readonly cpuLevel: number;
  /** The node of the tree that it stands in. */
  branch: Branch<Owner>;
  /** The place in the queue of its oldest request. */
  oldest = Infinity;

  constructor(amount: Amount, levels: Levels, branch: Branch<Owner>) {
    this.mem = amount.mem;
    this.cpu = amount.cpu;
    this.memLevel = levels.memLevel;
    this.cpuLevel = levels.cpuLevel;
    this.branch = branch;
  }
}

/** A node of the tree: a row of sizes or, once split, four branches. */
class Branch<Owner> {
  readonly parent: Branch<Owner> | undefined;
  readonly depth: number;
  row: Size<Owner>[] = [];
  branches: Branch<Owner>[] | undefined = undefined;
  /** The least of everything below. */
  mem = Infinity;
  cpu = Infinity;
  oldest = Infinity;

  constructor(parent: Branch<Owner> | undefined) {
    this.parent = parent;
    this.depth = parent === undefined ? 0 : parent.depth + 1;
  }

  /** Which of its branches a size belongs to. */
  branchFor(size: Levels): Branch<Owner> {
    const bit = LEVEL_BITS - 1 - this.depth;
    return this.branches![(size.memLevel >> bit & 1) << 1 | (size.cpuLevel >> bit & 1)]!;
  }

  /** Takes over the least of what is below; tells whether that changed anything. */
  gather(): boolean {
    let [mem, cpu, oldest] = [Infinity, Infinity, Infinity];
    for (const part of this.branches ?? this.row) {
      if (part.mem < mem) mem = part.mem;
      if (part.cpu < cpu) cpu = part.cpu;
      if (part.oldest < oldest) oldest = part.oldest;
    }
    if (mem === this.mem && cpu === this.cpu && oldest === this.oldest) return false;
    this.mem = mem;
    this.cpu = cpu;
    this.oldest = oldest;
    return true;
  }
}

/** The waiting requests by size. Their `sequence` tells which is older. */
export class SizeIndex<Owner> {
  readonly #root = new Branch<Owner>(undefined);
  /** The size whose oldest request is the oldest that a search has found so far. */
  #found: Size<Owner> | undefined = undefined;
  #foundOldest = Infinity;
  /** How many branches that search has been to. */
  #steps = 0;

  /** Adds a ticket that is younger than all that are here. */
  add(ticket: Ticket<Owner>): void {
    const levels = levelsOf(ticket);
    let branch = this.#root;
    while (branch.branches !== undefined) branch = branch.branchFor(levels);
    const known = branch.row.find(({ mem, cpu }) => mem === ticket.mem && cpu === ticket.cpu);
    const size = known ?? new Size(ticket, levels, branch);
    ticket.size = size;
    size.tickets.append(ticket);
    if (known !== undefined) return;
    size.oldest = ticket.sequence;
    this.#insert(size);
  }

  /** Removes a ticket. */
  remove(ticket: Ticket<Owner>): void {
    const size = ticket.size!;
    const wasOldest = size.tickets.first === ticket;
    size.tickets.remove(ticket);
    ticket.size = undefined;
    if (!wasOldest) return;
    size.oldest = size.tickets.first?.sequence ?? Infinity;
    if (size.tickets.length === 0) this.#forget(size);
    climb(size.branch);
  }

  /**
   * The oldest one that needs no more than `room`; or, if the sizes are so many that finding it takes
   * more than {@linkcode MAX_STEPS} steps, the oldest of those steps.
   */
  oldestThatFits(room: Amount): Ticket<Owner> | undefined {
    this.#found = undefined;
    this.#foundOldest = Infinity;
    this.#steps = 0;
    this.#search(this.#root, room.mem, room.cpu);
    return (this.#found as Size<Owner> | undefined)?.tickets.first;
  }

  /** Whether there is one that needs no more than `room`. */
  anyFits(room: Amount): boolean {
    return hasFitting(this.#root, room.mem, room.cpu);
  }

  #search(branch: Branch<Owner>, mem: number, cpu: number): void {
    const { branches } = branch;
    if (branches === undefined) {
      for (const size of branch.row) {
        if (size.mem > mem || size.cpu > cpu || size.oldest >= this.#foundOldest) continue;
        this.#found = size;
        this.#foundOldest = size.oldest;
      }
      return;
    }
    // The one with the oldest first, since then most of the rest need not be looked at.
    let first = 0;
    while (branches[first]!.oldest > branch.oldest) first++;
    for (let turn = 0; turn < branches.length; turn++) {
      const part = branches[turn === 0 ? first : turn <= first ? turn - 1 : turn]!;
      if (part.mem > mem || part.cpu > cpu || part.oldest >= this.#foundOldest) continue;
      if (++this.#steps > MAX_STEPS && this.#found !== undefined) return;
      this.#search(part, mem, cpu);
    }
  }

  #insert(size: Size<Owner>): void {
    let { branch } = size;
    branch.row.push(size);
    while (branch.row.length > ROW && branch.depth < LEVEL_BITS) {
      const { row }: Branch<Owner> = branch;
      const parts: Branch<Owner>[] = Array.from({ length: 4 }, () => new Branch(branch));
      branch.branches = parts;
      branch.row = [];
      for (const one of row) {
        one.branch = branch.branchFor(one);
        one.branch.row.push(one);
      }
      // That of the new size is left to the climb below, which ends where nothing changes.
      for (const part of parts) if (part !== size.branch) part.gather();
      branch = size.branch;
    }
    climb(size.branch);
  }

  #forget(size: Size<Owner>): void {
    const { row } = size.branch;
    row.splice(row.indexOf(size), 1);
    // What is empty goes, so that the tree is never larger than what waits asks for.
    for (let branch = size.branch.parent; branch !== undefined; branch = branch.parent) {
      if (branch.branches!.some((part) => part.branches !== undefined || part.row.length > 0)) {
        break;
      }
      branch.branches = undefined;
      size.branch = branch;
    }
  }
}

function hasFitting<Owner>(branch: Branch<Owner>, mem: number, cpu: number): boolean {
  if (branch.mem > mem || branch.cpu > cpu) return false;
  return branch.branches === undefined
    ? branch.row.some((size) => size.mem <= mem && size.cpu <= cpu)
    : branch.branches.some((part) => hasFitting(part, mem, cpu));
}

/** Brings a branch and what is above it up to date, as far as something changes. */
function climb<Owner>(from: Branch<Owner>): void {
  let branch: Branch<Owner> | undefined = from;
  while (branch !== undefined && branch.gather()) branch = branch.parent;
}

function levelsOf({ mem, cpu }: Amount): Levels {
  return { memLevel: levelOf(mem), cpuLevel: levelOf(cpu) };
}

function levelOf(amount: number): number {
  return amount < 1 ? 0 : Math.floor(Math.log2(amount) * LEVELS_PER_DOUBLING) + 1;
}
