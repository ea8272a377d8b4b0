/**
 * Reservations of nodes for waiting requests, so that none starves.
 *
 * When a request has been overtaken {@linkcode OVERTAKES} times, a node is reserved for it. At most an
 * eighth of the present nodes, but at least one, is reserved in this way, for the oldest requests. Since
 * the processes of a reserved node may never end, one more node is reserved for the oldest request each
 * time as many have overtaken it as processes are running (at least `OVERTAKES`): eventually
 * it gets the first that is large enough and free.
 */

import type { PlacementNode, Ticket } from "./ticket.ts";
import type { WaitingQueue } from "./waiting_queue.ts";

/** The number of times a request is overtaken before a node is reserved for it. */
export const OVERTAKES = 32;

/** One in this many nodes may be reserved at a time. */
const NODES_PER_RESERVATION = 8;

const NONE: readonly never[] = Object.freeze([]);

/** The numbers of nodes and of grants. */
interface Counts {
  readonly present: number;
  readonly granted: number;
}

/** Any number of nodes for each request of a queue; each node for at most one. */
export class Reservations<Owner> {
  readonly #queue: WaitingQueue<Owner>;
  readonly #overtakes: number;
  readonly #nodes = new Map<Ticket<Owner>, readonly PlacementNode<Owner>[]>();
  #count = 0;
  /** The oldest request, and how often it must be overtaken to get one more node. */
  #head: Ticket<Owner> | undefined = undefined;
  #widenAt = 0;

  constructor(queue: WaitingQueue<Owner>, overtakes: number) {
    this.#queue = queue;
    this.#overtakes = overtakes;
  }

  /** The nodes that are reserved for a request. */
  of(ticket: Ticket<Owner>): readonly PlacementNode<Owner>[] {
    return this.#nodes.get(ticket) ?? NONE;
  }

  /** The waiting request for which a node, or one more, is to be reserved now. */
  due(counts: Counts): Ticket<Owner> | undefined {
    const { head, untried } = this.#queue;
    if (head === undefined) return undefined;
    if (head !== this.#head) {
      this.#head = head;
      // If nothing could be reserved for it earlier, that is tried again at once.
      if (this.of(head).length === 0) this.#widenAt = this.#overtakes;
      else this.#widenLater(head, counts);
    }
    if (head !== untried && this.#queue.overtaken(head) >= this.#widenAt) return head;
    const most = Math.max(1, Math.floor(counts.present / NODES_PER_RESERVATION));
    if (untried === undefined || this.#count >= most) return undefined;
    return this.#queue.overtaken(untried) >= this.#overtakes ? untried : undefined;
  }

  /** The reservation that was due has been tried: moves on to the next one. */
  tried(ticket: Ticket<Owner>, counts: Counts): void {
    this.#queue.tried(ticket);
    if (ticket === this.#head) this.#widenLater(ticket, counts);
  }

  /** Reserves a node that is not reserved. */
  add(ticket: Ticket<Owner>, node: PlacementNode<Owner>): void {
    node.reservedFor = ticket;
    this.#count++;
    this.#nodes.set(ticket, [...this.of(ticket), node]);
  }

  /** Ends all reservations for a request; gives the nodes. */
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
    for (const other of this.end(ticket)) if (other !== node) this.add(ticket, other);
    return ticket;
  }

  #widenLater(head: Ticket<Owner>, { granted }: Counts): void {
    this.#widenAt = this.#queue.overtaken(head) + Math.max(this.#overtakes, granted, 1);
  }
}
