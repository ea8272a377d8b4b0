/** Requests for places, lists of them, and the nodes that they are granted on. */

import type { Amount } from "./amount.ts";

const NONE: readonly never[] = Object.freeze([]);

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
  /** The nodes that are reserved for it, while it waits. Only `Reservations` changes them. */
  reserved: readonly PlacementNode<Owner>[] = NONE;

  /** Orders waiting requests by age; the neighbours in that order, and what is recorded (`WaitingQueue`). */
  sequence = -1;
  older: Ticket<Owner> | undefined = undefined;
  younger: Ticket<Owner> | undefined = undefined;
  overtakes = 0;
  /** The neighbours in the list that it is in, that of its size or of its node. */
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
  /** The oldest one. */
  first: Ticket<Owner> | undefined = undefined;
  length = 0;
  #last: Ticket<Owner> | undefined = undefined;

  /** Adds a ticket that is in no list, as the youngest. */
  append(ticket: Ticket<Owner>): void {
    ticket.previous = this.#last;
    if (this.#last === undefined) this.first = ticket;
    else this.#last.next = ticket;
    this.#last = ticket;
    this.length++;
  }

  /** Removes a ticket that is in this list. */
  remove(ticket: Ticket<Owner>): void {
    const { previous, next } = ticket;
    if (previous === undefined) this.first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    ticket.previous = ticket.next = undefined;
    this.length--;
  }

  *[Symbol.iterator](): Iterator<Ticket<Owner>> {
    for (let ticket = this.first; ticket !== undefined; ticket = ticket.next) yield ticket;
  }
}

/** A known node, present or away. What it has and has given is changed by `PlacementNodes` alone. */
export class PlacementNode<Owner> {
  readonly id: string;
  present = false;
  /** Whether nothing more may be granted here. */
  closed = false;
  /** Whether others are preferred to it; only while it is present. */
  avoided = false;
  capacity: Amount = { mem: 0, cpu: 0 };
  /** What of its capacity is not granted. */
  readonly free: { mem: number; cpu: number } = { mem: 0, cpu: 0 };
  /** The requests granted here, in order. */
  readonly tickets: TicketList<Owner> = new TicketList();
  /** The waiting request that it is reserved for. Only `Reservations` changes it. */
  reservedFor: Ticket<Owner> | undefined = undefined;
  /** Its place among all nodes. */
  at: number;

  constructor(id: string, at: number) {
    this.id = id;
    this.at = at;
  }

  /** Whether any request may be granted here, if there is room. */
  get isOpen(): boolean {
    return this.present && !this.closed && !this.avoided && this.reservedFor === undefined;
  }
}
