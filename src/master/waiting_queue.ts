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

/** Waiting requests, of which a ticket is one at most once. Only its methods change its fields. */
export class WaitingQueue<Owner> implements Iterable<Ticket<Owner>> {
  /** The oldest one, and how often it was overtaken: the number of grants to younger ones meanwhile. */
  head: Ticket<Owner> | undefined = undefined;
  headOvertaken = 0;
  /** The oldest one for which no reservation has been tried, and how often that one was overtaken. */
  untried: Ticket<Owner> | undefined = undefined;
  untriedOvertaken = 0;
  #youngest: Ticket<Owner> | undefined;
  #sequence = 0;
  readonly #sizes = new SizeIndex<Owner>();

  /** A reservation has been tried for a request; of the untried ones, it must be the oldest. */
  tried(ticket: Ticket<Owner>): void {
    if (ticket !== this.untried) return;
    this.untried = ticket.younger;
    this.untriedOvertaken -= ticket.overtakes;
  }

  /** Adds a ticket as the youngest. */
  push(ticket: Ticket<Owner>): void {
    ticket.sequence = this.#sequence++;
    ticket.older = this.#youngest;
    if (this.#youngest === undefined) this.head = ticket;
    else this.#youngest.younger = ticket;
    this.#youngest = ticket;
    this.untried ??= ticket;
    this.#sizes.add(ticket);
  }

  /** Removes a ticket. If it was `granted`, that is a grant to one younger than all older ones. */
  remove(ticket: Ticket<Owner>, granted: boolean): void {
    const { older, younger, overtakes } = ticket;
    this.tried(ticket);
    if (older === undefined) this.head = younger;
    else older.younger = younger;
    if (younger === undefined) this.#youngest = older;
    else younger.older = older;
    ticket.older = ticket.younger = undefined;
    this.#sizes.remove(ticket);
    // What was recorded here is now recorded at the next older one, together with this grant.
    this.#record(ticket, -overtakes);
    if (older !== undefined) this.#record(older, overtakes + (granted ? 1 : 0));
  }

  /** Counts a grant to a request that is younger than all that wait. */
  overtakeAll(): void {
    if (this.#youngest !== undefined) this.#record(this.#youngest, 1);
  }

  /** As {@linkcode SizeIndex.oldestThatFits}. */
  oldestThatFits(room: Amount): Ticket<Owner> | undefined {
    return this.#sizes.oldestThatFits(room);
  }

  /** From the oldest to the youngest. The queue must not be changed meanwhile. */
  *[Symbol.iterator](): Iterator<Ticket<Owner>> {
    for (let ticket = this.head; ticket !== undefined; ticket = ticket.younger) yield ticket;
  }

  #record(ticket: Ticket<Owner>, overtakes: number): void {
    ticket.overtakes += overtakes;
    this.headOvertaken += overtakes;
    if (this.untried !== undefined && ticket.sequence >= this.untried.sequence) {
      this.untriedOvertaken += overtakes;
    }
  }
}
