/**
 * The waiting requests in the order of arrival, and how often each was overtaken.
 *
 * A grant overtakes all older requests, which may be very many: it is recorded in a few nodes of a binary
 * tree over the places of the queue, and a request's count is the sum of the nodes above its place.
 */

import type { Amount } from "./amount.ts";
import { SizeIndex } from "./size_index.ts";
import type { Ticket } from "./ticket.ts";

const LEAST_PLACES = 16;

/** Waiting requests. A ticket is in at most one queue. */
export class WaitingQueue<Owner> {
  #places = LEAST_PLACES;
  #tickets: (Ticket<Owner> | undefined)[] = [];
  /** A ticket was overtaken as often as the sum from its leaf to the root. */
  #overtaken = new Float64Array(2 * LEAST_PLACES);
  /** The first place that is taken. */
  #head = 0;
  /** The first free place, with none taken behind it. */
  #tail = 0;
  #length = 0;
  #sequence = 0;
  readonly #sizes = new SizeIndex<Owner>();

  /** The number of waiting requests. */
  get length(): number {
    return this.#length;
  }

  /** The oldest one. */
  get head(): Ticket<Owner> | undefined {
    return this.#tickets[this.#head];
  }

  /** The next younger ticket after a waiting one; `undefined` after the youngest. */
  after(ticket: Ticket<Owner>): Ticket<Owner> | undefined {
    for (let position = ticket.position + 1; position < this.#tail; position++) {
      const next = this.#tickets[position];
      if (next !== undefined) return next;
    }
    return undefined;
  }

  /** The number of waiting requests that are older than a waiting ticket. */
  before(ticket: Ticket<Owner>): number {
    let count = 0;
    for (let position = this.#head; position < ticket.position; position++) {
      if (this.#tickets[position] !== undefined) count++;
    }
    return count;
  }

  /** Adds a ticket as the youngest. */
  push(ticket: Ticket<Owner>): void {
    if (this.#tail === this.#places) this.#tidy();
    const position = this.#tail++;
    ticket.position = position;
    ticket.sequence = this.#sequence++;
    this.#tickets[position] = ticket;
    this.#length++;
    // Grants recorded above the place were before its time.
    const leaf = this.#places + position;
    this.#overtaken[leaf] = 0;
    this.#overtaken[leaf] = -this.overtaken(ticket);
    this.#sizes.add(ticket);
  }

  /**
   * Removes a ticket. If `granted`, all older ones have been overtaken once more:
   * it got what it waited for.
   */
  remove(ticket: Ticket<Owner>, granted: boolean): void {
    const { position } = ticket;
    this.#sizes.remove(ticket);
    if (granted && position !== this.#head) {
      for (let node = this.#places + position; node > 1; node >>= 1) {
        if (node & 1) this.#overtaken[node - 1]!++;
      }
    }
    this.#tickets[position] = undefined;
    ticket.position = -1;
    this.#length--;
    while (this.#head < this.#tail && this.#tickets[this.#head] === undefined) this.#head++;
  }

  /** Counts a grant to a request that is younger than all that wait. */
  overtakeAll(): void {
    this.#overtaken[1]!++;
  }

  /** The number of grants to younger requests while this one waited. */
  overtaken(ticket: Ticket<Owner>): number {
    let sum = 0;
    for (let node = this.#places + ticket.position; node > 0; node >>= 1) {
      sum += this.#overtaken[node]!;
    }
    return sum;
  }

  /** As {@linkcode SizeIndex.oldestThatFits}. */
  oldestThatFits(room: Amount): Ticket<Owner> | undefined {
    return this.#sizes.oldestThatFits(room);
  }

  /** As {@linkcode SizeIndex.anyFits}. */
  anyFits(room: Amount): boolean {
    return this.#sizes.anyFits(room);
  }

  /** From the oldest to the youngest. The queue must not be changed meanwhile. */
  *[Symbol.iterator](): Iterator<Ticket<Owner>> {
    for (let position = this.#head; position < this.#tail; position++) {
      const ticket = this.#tickets[position];
      if (ticket !== undefined) yield ticket;
    }
  }

  /** Compacts the queue, and makes at least as many free places as are taken. */
  #tidy(): void {
    const tickets = [...this];
    const overtaken = tickets.map((ticket) => this.overtaken(ticket));
    this.#places = LEAST_PLACES;
    while (this.#places < 2 * tickets.length) this.#places *= 2;
    this.#overtaken = new Float64Array(2 * this.#places);
    this.#overtaken.set(overtaken, this.#places);
    this.#tickets = tickets;
    this.#head = 0;
    this.#tail = tickets.length;
    for (const [position, ticket] of tickets.entries()) ticket.position = position;
  }
}
