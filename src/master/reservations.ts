/** Which nodes are kept for which waiting requests. */

import type { PlacementNode } from "./placement_node.ts";
import type { Ticket } from "./ticket.ts";

const NONE: readonly never[] = Object.freeze([]);

/** Any number of nodes for each request; each node for at most one. */
export class Reservations<Owner> {
  readonly #nodes = new Map<Ticket<Owner>, PlacementNode<Owner>[]>();
  #count = 0;

  /** How many nodes are reserved. */
  get count(): number {
    return this.#count;
  }

  /** The nodes that are reserved for a request. */
  of(ticket: Ticket<Owner>): readonly PlacementNode<Owner>[] {
    return this.#nodes.get(ticket) ?? NONE;
  }

  /** Reserves a node that is not reserved. */
  add(ticket: Ticket<Owner>, node: PlacementNode<Owner>): void {
    node.reservedFor = ticket;
    this.#count++;
    const nodes = this.#nodes.get(ticket);
    if (nodes === undefined) this.#nodes.set(ticket, [node]);
    else nodes.push(node);
  }

  /** Ends all reservations for a request; gives the nodes that are free of them. */
  end(ticket: Ticket<Owner>): readonly PlacementNode<Owner>[] {
    const nodes = this.of(ticket);
    for (const node of nodes) node.reservedFor = undefined;
    this.#nodes.delete(ticket);
    this.#count -= nodes.length;
    return nodes;
  }

  /** Ends the reservation of one node, if there is one; gives the request that it was for. */
  endNode(node: PlacementNode<Owner>): Ticket<Owner> | undefined {
    const ticket = node.reservedFor;
    if (ticket === undefined) return undefined;
    const others = this.end(ticket).filter((other) => other !== node);
    for (const other of others) this.add(ticket, other);
    return ticket;
  }
}
