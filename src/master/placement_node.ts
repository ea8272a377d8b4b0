/** A node as placement sees it: its capacity, its grants, and its reservation. */

import type { Amount } from "./amount.ts";
import type { Load } from "./node_index.ts";
import { type Ticket, TicketList } from "./ticket.ts";

/** A known node, present or away. */
export class PlacementNode<Owner> implements Load {
  readonly id: string;
  /** Its index among all known nodes, fixed as long as it is known. */
  readonly slot: number;
  /** The requests granted here. */
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

  /** Sets its presence; nothing is granted afterwards. */
  become(present: boolean, capacity: Amount): void {
    this.#present = present;
    this.#capacity = capacity;
    this.#used.mem = this.#used.cpu = 0;
    this.#free.mem = capacity.mem;
    this.#free.cpu = capacity.cpu;
  }

  /** Grants a ticket that is in no list; there must be room for it. */
  give(ticket: Ticket<Owner>): void {
    this.tickets.append(ticket);
    ticket.nodeId = this.id;
    ticket.slot = this.slot;
    ticket.state = "granted";
    this.#use(ticket.mem, ticket.cpu);
  }

  /** Takes back the grant of a ticket. */
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
