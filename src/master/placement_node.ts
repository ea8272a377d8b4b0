/** A node as placement knows it: what it has, what it has given, and for whom it is kept. */

import type { Amount } from "./amount.ts";
import type { Load } from "./node_index.ts";
import { type Ticket, TicketList } from "./ticket.ts";

/** A node that is there, or away and known. */
export class PlacementNode<Owner> implements Load {
  readonly id: string;
  /** Its place among all known nodes, which it keeps as long as it is known. */
  readonly slot: number;
  /** What has been granted here. */
  readonly tickets: TicketList<Owner> = new TicketList();
  /** The waiting request that it is reserved for. */
  reservedFor: Ticket<Owner> | undefined = undefined;
  #present = false;
  #capacity: Amount = { mem: 0, cpu: 0 };
  readonly #used = { mem: 0, cpu: 0 };
  readonly #free = { mem: 0, cpu: 0 };

  constructor(id: string, slot: number) {
    this.id = id;
    this.slot = slot;
  }

  get present(): boolean {
    return this.#present;
  }

  get capacity(): Amount {
    return this.#capacity;
  }

  get used(): Amount {
    return this.#used;
  }

  get free(): Amount {
    return this.#free;
  }

  get count(): number {
    return this.tickets.length;
  }

  /** Comes or goes, with nothing granted either way. */
  become(present: boolean, capacity: Amount): void {
    this.#present = present;
    this.#capacity = capacity;
    this.#used.mem = this.#used.cpu = 0;
    this.#free.mem = capacity.mem;
    this.#free.cpu = capacity.cpu;
  }

  /** Gives a ticket that is in no list what it needs; there must be room. */
  give(ticket: Ticket<Owner>): void {
    this.tickets.append(ticket);
    ticket.nodeId = this.id;
    ticket.slot = this.slot;
    ticket.state = "granted";
    this.#use(ticket.mem, ticket.cpu);
  }

  /** Takes back what it gave to a ticket. */
  takeBack(ticket: Ticket<Owner>): void {
    this.tickets.remove(ticket);
    ticket.nodeId = undefined;
    ticket.state = "ended";
    this.#use(-ticket.mem, -ticket.cpu);
  }

  #use(mem: number, cpu: number): void {
    this.#used.mem += mem;
    this.#used.cpu += cpu;
    this.#free.mem -= mem;
    this.#free.cpu -= cpu;
  }
}
