/**
 * Reservations of nodes for waiting requests, so that none starves.
 *
 * When a request has been overtaken {@linkcode OVERTAKES} times, a node is reserved for it. At most an
 * eighth of the present nodes, but at least one, is reserved in this way, for the oldest requests. Since
 * the processes of a reserved node may never end, one more node is reserved for the oldest request each
 * time as many have overtaken it as processes are running (at least `OVERTAKES`): eventually
 * it gets the first that is large enough and free.
 */

import type { PlacementNodes } from "./placement_nodes.ts";
import type { PlacementNode, Ticket } from "./ticket.ts";
import type { WaitingQueue } from "./waiting_queue.ts";

/** The number of times a request is overtaken before a node is reserved for it. */
export const OVERTAKES = 32;

/** One in this many nodes may be reserved at a time. */
const NODES_PER_RESERVATION = 8;

/** Any number of nodes for each request of a queue; each node for at most one. */
export class Reservations<Owner> {
  readonly #nodes: PlacementNodes<Owner>;
  readonly #queue: WaitingQueue<Owner>;
  readonly #overtakes: number;
  /** How many nodes are reserved. */
  #count = 0;

  constructor(nodes: PlacementNodes<Owner>, queue: WaitingQueue<Owner>, overtakes: number) {
    this.#nodes = nodes;
    this.#queue = queue;
    this.#overtakes = overtakes;
  }

  /** The waiting request for which a node, or one more, is to be reserved now. */
  due(): Ticket<Owner> | undefined {
    const { head, headOvertaken, untried, untriedOvertaken } = this.#queue;
    if (head !== untried && headOvertaken >= head!.reserveAt) return head;
    if (untried === undefined || untriedOvertaken < this.#overtakes) return undefined;
    const most = Math.max(1, Math.floor(this.#nodes.present / NODES_PER_RESERVATION));
    return this.#count < most ? untried : undefined;
  }

  /** Reserves a node for the request that is {@linkcode due}, and moves on to the next one. */
  serve(ticket: Ticket<Owner>): void {
    const { head, headOvertaken, untriedOvertaken } = this.#queue;
    const overtaken = ticket === head ? headOvertaken : untriedOvertaken;
    const isReserved = this.#reserve(ticket);
    // If nothing can be reserved for it, that is tried again when it is the oldest.
    if (isReserved || ticket === head) {
      ticket.reserveAt = overtaken + Math.max(this.#overtakes, this.#nodes.granted);
    }
    this.#queue.tried(ticket);
  }

  /** Ends all reservations for a request; gives the nodes. */
  end(ticket: Ticket<Owner>): readonly PlacementNode<Owner>[] {
    const nodes = ticket.reserved;
    for (const node of nodes) node.reservedFor = undefined;
    ticket.reserved = [];
    this.#count -= nodes.length;
    return nodes;
  }

  /** Ends the reservation of a node, if there is one. If its request has no other, that gets another one. */
  endNode(node: PlacementNode<Owner>): void {
    const ticket = node.reservedFor;
    if (ticket === undefined) return;
    node.reservedFor = undefined;
    ticket.reserved = ticket.reserved.filter((other) => other !== node);
    this.#count--;
    if (ticket.reserved.length === 0 && !this.#reserve(ticket)) ticket.reserveAt = 0;
  }

  /** Reserves a node that is large enough, if there is one that is open. */
  #reserve(ticket: Ticket<Owner>): boolean {
    const node = this.#nodes.findLargeEnough(ticket);
    if (node === undefined) return false;
    node.reservedFor = ticket;
    ticket.reserved = [...ticket.reserved, node];
    this.#count++;
    return true;
  }
}
