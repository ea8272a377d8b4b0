/** Requests for places, lists of them, and the nodes that they are granted on. */

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
  /** The node, while it is granted. */
  node: PlacementNode<Owner> | undefined = undefined;
  /** Orders waiting requests by age. */
  sequence = -1;
  /** Its neighbours by age, while it waits, and what the queue has recorded at it. */
  older: Ticket<Owner> | undefined = undefined;
  younger: Ticket<Owner> | undefined = undefined;
  overtakes = 0;
  /** The neighbours in its list, that of its size or of its node. Only the list changes them. */
  previous: Ticket<Owner> | undefined = undefined;
  next: Ticket<Owner> | undefined = undefined;

  constructor(owner: Owner, need: Amount) {
    this.owner = owner;
    this.mem = need.mem;
    this.cpu = need.cpu;
  }

  /** For the caller: the name of the node, while it is granted. */
  get nodeId(): string | undefined {
    return this.node?.id;
  }
}

/** Tickets in the order in which they came; adding and removing costs the same for any length. */
export class TicketList<Owner> implements Iterable<Ticket<Owner>> {
  /** The oldest and the youngest one. */
  first: Ticket<Owner> | undefined = undefined;
  last: Ticket<Owner> | undefined = undefined;
  length = 0;

  /** Adds a ticket that is in no list, as the youngest. */
  append(ticket: Ticket<Owner>): void {
    ticket.previous = this.last;
    if (this.last === undefined) this.first = ticket;
    else this.last.next = ticket;
    this.last = ticket;
    this.length++;
  }

  /** Removes a ticket that is in this list. */
  remove(ticket: Ticket<Owner>): void {
    const { previous, next } = ticket;
    if (previous === undefined) this.first = next;
    else previous.next = next;
    if (next === undefined) this.last = previous;
    else next.previous = previous;
    ticket.previous = ticket.next = undefined;
    this.length--;
  }

  *[Symbol.iterator](): Iterator<Ticket<Owner>> {
    for (let ticket = this.first; ticket !== undefined; ticket = ticket.next) yield ticket;
  }
}

/** A known node, present or away. */
export class PlacementNode<Owner> {
  readonly id: string;
  present = false;
  /** Whether nothing more may be granted here. */
  closed = false;
  /** Whether others are preferred to it. */
  avoided = false;
  capacity: Amount = { mem: 0, cpu: 0 };
  readonly used: { mem: number; cpu: number } = { mem: 0, cpu: 0 };
  readonly free: { mem: number; cpu: number } = { mem: 0, cpu: 0 };
  /** The requests granted here. */
  readonly tickets: TicketList<Owner> = new TicketList();
  /** The waiting request that it is reserved for. */
  reservedFor: Ticket<Owner> | undefined = undefined;
  /** Its place in the index of nodes, which alone changes it; -1 while it is not there. */
  leaf = -1;

  constructor(id: string) {
    this.id = id;
  }

  /** Sets its presence; nothing may be granted here. */
  become(present: boolean, capacity: Amount): void {
    this.present = present;
    this.avoided = false;
    this.capacity = capacity;
    this.free.mem = capacity.mem;
    this.free.cpu = capacity.cpu;
  }

  /** Grants a ticket that is in no list; there must be room for it. */
  give(ticket: Ticket<Owner>): void {
    this.tickets.append(ticket);
    ticket.node = this;
    ticket.state = "granted";
    this.#use(ticket.mem, ticket.cpu);
  }

  /** Takes back the grant of a ticket. */
  takeBack(ticket: Ticket<Owner>): void {
    this.tickets.remove(ticket);
    ticket.node = undefined;
    ticket.state = "ended";
    this.#use(-ticket.mem, -ticket.cpu);
  }

  #use(mem: number, cpu: number): void {
    this.used.mem += mem;
    this.used.cpu += cpu;
    this.free.mem -= mem;
    this.free.cpu -= cpu;
  }
}
