/**
 * Finds the oldest waiting request that fits into the given room.
 *
 * Requests of one size form a list. Where there are many sizes, similar ones share a list, so that a search looks at
 * few lists. Only the choice of a list rounds: what fits is decided by the exact need. If that were rounded up too,
 * a request could wait although a node has room for it, and forever if no node had more.
 */

import { Fifo } from "../core/fifo.ts";
import type { Amount } from "./amount.ts";
import type { Ticket } from "./ticket.ts";

/** From this many lists on, a request of a new size shares one with those of similar sizes. */
const MOST_EXACT = 64;

/** How many classes of similar sizes there are for each power of 2, in each of the two dimensions. */
const CLASSES_PER_OCTAVE = 2;

/** Waiting requests of one size, or of similar sizes, the oldest first. Each of them fits where the list fits. */
class SizeList<Owner> extends Fifo<Ticket<Owner>> implements Amount {
  mem = 0;
  cpu = 0;
  /** Each of them needs at least so much. */
  #least: Amount = { mem: Infinity, cpu: Infinity };

  override push(ticket: Ticket<Owner>): void {
    super.push(ticket);
    this.mem = Math.max(this.mem, ticket.mem);
    this.cpu = Math.max(this.cpu, ticket.cpu);
    this.#least = lesser(this.#least, ticket);
  }

  /** The oldest that needs at most so much. */
  oldestThatFits(mem: number, cpu: number): Ticket<Owner> | undefined {
    if (this.#least.mem > mem || this.#least.cpu > cpu) return undefined;
    let least: Amount = { mem: Infinity, cpu: Infinity };
    for (const ticket of this) {
      if (ticket.mem <= mem && ticket.cpu <= cpu) return ticket;
      least = lesser(least, ticket);
    }
    // One that needed less has left, perhaps: the next search need not look at all of them again.
    this.#least = least;
    return undefined;
  }
}

function lesser(a: Amount, b: Amount): Amount {
  return { mem: Math.min(a.mem, b.mem), cpu: Math.min(a.cpu, b.cpu) };
}

/** The waiting requests by size. */
export class SizeIndex<Owner> {
  readonly #lists = new Map<string, SizeList<Owner>>();

  /** Adds a ticket that is younger than all others here. */
  add(ticket: Ticket<Owner>): void {
    ticket.size = `${ticket.mem} ${ticket.cpu}`;
    if (this.#lists.size >= MOST_EXACT && !this.#lists.has(ticket.size)) {
      ticket.size = `like ${classOf(ticket.mem)} ${classOf(ticket.cpu)}`;
    }
    let list = this.#lists.get(ticket.size);
    if (list === undefined) this.#lists.set(ticket.size, list = new SizeList());
    list.push(ticket);
  }

  /** Removes a ticket. */
  remove(ticket: Ticket<Owner>): void {
    const list = this.#lists.get(ticket.size)!;
    list.remove(ticket);
    if (list.length === 0) this.#lists.delete(ticket.size);
  }

  /**
   * The oldest request that needs at most `room`. Where similar sizes share lists, it is the oldest of those whose
   * whole list fits; only if there is none, another one is searched for.
   */
  oldestThatFits(room: Amount): Ticket<Owner> | undefined {
    let oldest: Ticket<Owner> | undefined;
    const { mem, cpu } = room;
    for (const list of this.#lists.values()) {
      // As `fits()`, which is slower here: it is called with objects of many classes.
      if (list.mem > mem || list.cpu > cpu) continue;
      const first = list.first!;
      if (oldest === undefined || first.sequence < oldest.sequence) oldest = first;
    }
    if (oldest !== undefined) return oldest;
    for (const list of this.#lists.values()) {
      const ticket = list.oldestThatFits(mem, cpu);
      if (ticket !== undefined) return ticket;
    }
    return undefined;
  }
}

function classOf(amount: number): number {
  return Math.floor(Math.log2(amount + 1) * CLASSES_PER_OCTAVE);
}
