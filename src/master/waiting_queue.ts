/**
 * The waiting requests in the order of arrival, and how often each was overtaken.
 *
 * A grant overtakes all older requests, which may be very many. It is recorded at the youngest of
 * them only: a request was overtaken as often as the sum of what is recorded at it and at the younger
 * ones says.
 */

import type { Amount } from "./amount.ts";
import { SizeIndex } from "./size_index.ts";
import type { Ticket } from "./ticket.ts";

/** Waiting requests. A ticket is in at most one queue. */
export class WaitingQueue<Owner> {
  #oldest: Ticket<Owner> | undefined;
  #youngest: Ticket<Owner> | undefined;
  #untried: Ticket<Owner> | undefined;
  #length = 0;
  #sequence = 0;
  /** What is recorded at all waiting requests, and at those before the untried one. */
  #overtakes = 0;
  #overtakesBefore = 0;
  readonly #sizes = new SizeIndex<Owner>();

  /** The number of waiting requests. */
  get length(): number {
    return this.#length;
  }

  /** The oldest one. */
  get head(): Ticket<Owner> | undefined {
    return this.#oldest;
  }

  /** The oldest one for which no reservation has been tried. */
  get untried(): Ticket<Owner> | undefined {
    return this.#untried;
  }

  /** A reservation has been tried for a request; of the untried ones, it must be the oldest. */
  tried(ticket: Ticket<Owner>): void {
    if (ticket !== this.#untried) return;
    this.#untried = ticket.younger;
    this.#overtakesBefore += ticket.overtakes;
  }

  /** The number of waiting requests that are older than a waiting ticket. */
  before(ticket: Ticket<Owner>): number {
    let count = 0;
    for (let older = ticket.older; older !== undefined; older = older.older) count++;
    return count;
  }

  /** Adds a ticket as the youngest. */
  push(ticket: Ticket<Owner>): void {
    ticket.sequence = this.#sequence++;
    ticket.older = this.#youngest;
    if (this.#youngest === undefined) this.#oldest = ticket;
    else this.#youngest.younger = ticket;
    this.#youngest = ticket;
    if (this.#untried === undefined) {
      this.#untried = ticket;
      this.#overtakesBefore = this.#overtakes;
    }
    this.#length++;
    this.#sizes.add(ticket);
  }

  /**
   * Removes a ticket. If `granted`, all older ones have been overtaken once more:
   * it got what it waited for.
   */
  remove(ticket: Ticket<Owner>, granted: boolean): void {
    const { older, younger, overtakes } = ticket;
    this.tried(ticket);
    if (older === undefined) this.#oldest = younger;
    else older.younger = younger;
    if (younger === undefined) this.#youngest = older;
    else younger.older = older;
    ticket.older = ticket.younger = undefined;
    this.#length--;
    this.#sizes.remove(ticket);
    // What was recorded here is now recorded at the next older one, together with this grant.
    this.#record(ticket, -overtakes);
    if (older !== undefined) this.#record(older, overtakes + (granted ? 1 : 0));
  }

  /** Counts a grant to a request that is younger than all that wait. */
  overtakeAll(): void {
    if (this.#youngest !== undefined) this.#record(this.#youngest, 1);
  }

  /** The number of grants to younger requests while this one waited. */
  overtaken(ticket: Ticket<Owner>): number {
    if (ticket === this.#untried) return this.#overtakes - this.#overtakesBefore;
    let count = this.#overtakes;
    for (let older = ticket.older; older !== undefined; older = older.older) {
      count -= older.overtakes;
    }
    return count;
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
    for (let ticket = this.#oldest; ticket !== undefined; ticket = ticket.younger) yield ticket;
  }

  #record(ticket: Ticket<Owner>, overtakes: number): void {
    ticket.overtakes += overtakes;
    this.#overtakes += overtakes;
    if (this.#untried !== undefined && ticket.sequence < this.#untried.sequence) {
      this.#overtakesBefore += overtakes;
    }
  }
}
