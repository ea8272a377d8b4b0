/** A request from when it is made until it ends, and lists of such. */

import type { Amount } from "./amount.ts";

/**
 * One request for a place. `owner` is whatever its maker knows it by.
 *
 * It `waits`, is `granted`, or has `ended`, because it was released or its node went away. Only
 * placement changes a ticket, and what is not said to be for its maker may change its meaning.
 */
export class Ticket<Owner> implements Amount {
  /** For its maker: what it was made for. */
  readonly owner: Owner;
  readonly mem: number;
  readonly cpu: number;
  /** For its maker: how far it has come. */
  state: "waits" | "granted" | "ended" = "waits";
  /** For its maker: the node, while it is granted. */
  nodeId: string | undefined = undefined;
  /** The slot of that node. */
  slot = -1;
  /** What tells which of two that wait is older. */
  sequence = -1;
  /** The place in the queue while it waits; it gets another one when the queue is tidied. */
  position = -1;
  /** The neighbours in its list, which is that of its size or of its node. Only that changes them. */
  previous: Ticket<Owner> | undefined = undefined;
  next: Ticket<Owner> | undefined = undefined;

  constructor(owner: Owner, need: Amount) {
    this.owner = owner;
    this.mem = need.mem;
    this.cpu = need.cpu;
  }
}

/** Tickets in the order in which they came; adding and removing costs the same for any length. */
export class TicketList<Owner> implements Iterable<Ticket<Owner>> {
  #first: Ticket<Owner> | undefined;
  #last: Ticket<Owner> | undefined;
  #length = 0;

  /** The oldest one. */
  get first(): Ticket<Owner> | undefined {
    return this.#first;
  }

  /** How many there are. */
  get length(): number {
    return this.#length;
  }

  /** Adds a ticket that is in no list, as the youngest. */
  append(ticket: Ticket<Owner>): void {
    ticket.previous = this.#last;
    if (this.#last === undefined) this.#first = ticket;
    else this.#last.next = ticket;
    this.#last = ticket;
    this.#length++;
  }

  /** Removes a ticket that is in this list. */
  remove(ticket: Ticket<Owner>): void {
    if (ticket.previous === undefined) this.#first = ticket.next;
    else ticket.previous.next = ticket.next;
    if (ticket.next === undefined) this.#last = ticket.previous;
    else ticket.next.previous = ticket.previous;
    ticket.previous = ticket.next = undefined;
    this.#length--;
  }

  *[Symbol.iterator](): Iterator<Ticket<Owner>> {
    for (let ticket = this.#first; ticket !== undefined; ticket = ticket.next) yield ticket;
  }
}
