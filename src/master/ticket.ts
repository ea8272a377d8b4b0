/** A request from its creation to its end, and lists of requests. */

import type { Amount } from "./amount.ts";

/**
 * One request for a place. `owner` is a value of the caller's.
 *
 * It `waits`, is `granted`, or has `ended`, because it was released or its node was lost. Only
 * placement changes a ticket; fields that are not marked "for the caller" are internal.
 */
export class Ticket<Owner> implements Amount {
  /** For the caller: the value it was made with. */
  readonly owner: Owner;
  readonly mem: number;
  readonly cpu: number;
  /** For the caller: the state. */
  state: "waits" | "granted" | "ended" = "waits";
  /** For the caller: the node, while it is granted. */
  nodeId: string | undefined = undefined;
  /** The slot of that node. */
  slot = -1;
  /** Orders waiting requests by age. */
  sequence = -1;
  /** The position in the queue while it waits; it changes when the queue is compacted. */
  position = -1;
  /** The neighbours in its list, that of its size or of its node. Only the list changes them. */
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

  /** The number of tickets. */
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
