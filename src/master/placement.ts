/**
 * Decides which node gets each process. Pure: no clock, no I/O; the same calls in the same
 * order always give the same results.
 *
 * - **Fit.** A request is granted only where both its memory and its CPU are free.
 * - **Spread.** Among those nodes it goes to the one that is then the least full, by its fuller
 *   dimension (among hundreds, to one that is nearly so: see `PlacementNodes.findRoom`).
 * - **First come, first served.** A request that does not fit waits. When room appears, the oldest that
 *   fits gets it (of many sizes, one of the oldest: see `SizeIndex.oldestThatFits`), so a small request may
 *   overtake a large one.
 * - **No starvation.** A request that has been overtaken too often has a node reserved for it: the one that
 *   lacks the least. Nothing else is placed there until it has been granted, there or elsewhere
 *   ({@linkcode Reservations}).
 * - **Closed nodes.** Nothing is granted on a node that is closed, and it is reserved for nothing.
 * - **Avoided nodes.** A node that cannot start processes for now is avoided: it gets only requests that no
 *   other present node is large enough for, even when empty. The others wait for room elsewhere.
 *
 * Between calls, no waiting request fits on any open node (one that is neither closed, reserved nor avoided),
 * nor on one that is reserved for it.
 */

import type { Resources } from "../core/resources.ts";
import { type Amount, capacityOf, fits, needOf } from "./amount.ts";
import { PlacementNodes } from "./placement_nodes.ts";
import {
  type NodeUsage,
  usageOf,
  type Wait,
  type Waiting,
  waitingIn,
  waitOf,
} from "./placement_report.ts";
import { OVERTAKES, Reservations } from "./reservations.ts";
import { type PlacementNode, Ticket } from "./ticket.ts";
import { WaitingQueue } from "./waiting_queue.ts";

/**
 * The nodes of a cluster, the grants on each, and the waiting requests.
 *
 * A request is a {@linkcode Ticket}, which the caller keeps to release it. The queue has no bound of
 * its own: its callers keep each request pending, and so bound them.
 *
 * Whatever may make room returns the requests that are granted as a result, in order.
 */
export class Placement<Owner> {
  readonly #nodes = new PlacementNodes<Owner>();
  readonly #queue = new WaitingQueue<Owner>();
  readonly #reservations: Reservations<Owner>;
  /** Nodes with room that has not been offered to all waiting requests; empty between calls. */
  readonly #opened: PlacementNode<Owner>[] = [];

  /** @param overtakes Replaces {@linkcode OVERTAKES}. */
  constructor({ overtakes = OVERTAKES }: { readonly overtakes?: number } = {}) {
    this.#reservations = new Reservations(this.#nodes, this.#queue, overtakes);
  }

  /**
   * Adds a node that is expected but not present: requests that only it is large enough for wait for it
   * instead of being unsatisfiable. Changes the capacity of a node that is away.
   *
   * @throws {RangeError} If the capacity is none, or too large.
   * @throws {Error} If the node is present.
   */
  expectNode(id: string, capacity: Readonly<Resources>): void {
    this.#know(id, capacity, false);
  }

  /**
   * A node is present, empty: a new one or one that was expected or lost, with this capacity from now on. It is
   * still closed if it was. Throws as {@linkcode expectNode} does.
   */
  addNode(id: string, capacity: Readonly<Resources>): readonly Ticket<Owner>[] {
    return this.#offer(this.#know(id, capacity, true));
  }

  /**
   * From now on nothing is granted on a known node, now or when it is present again, until {@linkcode openNode}.
   * What it has been granted stays. If it was reserved, another one is reserved instead. Requests that only it is
   * large enough for wait.
   */
  closeNode(id: string): readonly Ticket<Owner>[] {
    return this.#change(id, (node) => node.closed = true);
  }

  openNode(id: string): readonly Ticket<Owner>[] {
    return this.#change(id, (node) => node.closed = false);
  }

  /** Avoids a node until {@linkcode preferNode}, or until it is lost. What it has been granted stays. */
  avoidNode(id: string): readonly Ticket<Owner>[] {
    return this.#change(id, (node) => node.avoided = node.present);
  }

  preferNode(id: string): readonly Ticket<Owner>[] {
    return this.#change(id, (node) => node.avoided = false);
  }

  /**
   * A node was lost, and may come back with {@linkcode addNode}: what was granted there has ended. Requests go on
   * waiting, even if no other node is large enough. If it was reserved, another one is reserved instead.
   */
  loseNode(id: string): readonly Ticket<Owner>[] {
    return this.#change(id, (node) => {
      for (const ticket of node.tickets) this.#nodes.takeBack(node, ticket);
      this.#nodes.set(id, false, node.capacity);
    });
  }

  /**
   * Like {@linkcode loseNode}, for a node that will not come back: requests that only it was large
   * enough for are unsatisfiable from now on; those that already wait go on waiting.
   */
  removeNode(id: string): readonly Ticket<Owner>[] {
    const grants = this.loseNode(id);
    this.#nodes.delete(id);
    return grants;
  }

  /**
   * Requests a place, or joins the queue if there is none now: the ticket is granted, or waits
   * until a later call returns it as granted. A need of 0 is treated like any other.
   * `unsatisfiable`: no known node is that large, even when empty.
   *
   * @throws {RangeError} If the need is negative, infinite or not a number.
   */
  request(owner: Owner, need: Readonly<Resources>): Ticket<Owner> | "unsatisfiable" {
    const granted = this.tryRequest(owner, need);
    if (granted !== "no-capacity") return granted;
    const ticket = new Ticket(owner, needOf(need));
    this.#queue.push(ticket);
    return ticket;
  }

  /** Like {@linkcode request}, but never waits: a returned ticket is granted. */
  tryRequest(
    owner: Owner,
    need: Readonly<Resources>,
  ): Ticket<Owner> | "no-capacity" | "unsatisfiable" {
    const ticket = new Ticket(owner, needOf(need));
    const node = this.#find(ticket);
    if (typeof node === "string") return node;
    this.#nodes.give(node, ticket);
    this.#queue.overtakeAll();
    this.#settle();
    return ticket;
  }

  /** The answer that {@linkcode tryRequest} would give now, without granting anything. */
  probe(need: Readonly<Resources>): { readonly node: string } | "no-capacity" | "unsatisfiable" {
    const node = this.#find(needOf(need));
    return typeof node === "string" ? node : { node: node.id };
  }

  /**
   * Ends a request: a granted one gives back exactly what it was granted, a waiting one leaves
   * the queue. For one that has ended this is a no-op, so nothing is given back twice, and a process may end
   * after its node was lost.
   */
  release(ticket: Ticket<Owner>): readonly Ticket<Owner>[] {
    if (ticket.state === "ended") return [];
    const { node } = ticket;
    if (node === undefined) {
      ticket.state = "ended";
      this.#leaveQueue(ticket, false);
      return this.#settle();
    }
    this.#nodes.takeBack(node, ticket);
    return this.#offer(node);
  }

  /** Each known node, the longest known first. */
  usage(): NodeUsage<Owner>[] {
    return Array.from(this.#nodes, usageOf);
  }

  /** The waiting requests, oldest first. */
  waiting(): Generator<Waiting<Owner>> {
    return waitingIn(this.#queue, this.#nodes);
  }

  /**
   * What a ticket waits for; `undefined` if it does not wait. Takes time proportional to the number
   * of nodes and of older requests, and changes nothing.
   */
  why(ticket: Ticket<Owner>): Wait | undefined {
    return ticket.state === "waits" ? waitOf(ticket, this.#nodes) : undefined;
  }

  #know(id: string, resources: Readonly<Resources>, present: boolean): PlacementNode<Owner> {
    const capacity = capacityOf(resources);
    if (this.#nodes.get(id)?.present) {
      throw new Error(`Cannot add node ${id}: it is already present`);
    }
    return this.#nodes.set(id, present, capacity);
  }

  #change(id: string, change: (node: PlacementNode<Owner>) => void): readonly Ticket<Owner>[] {
    const node = this.#nodes.get(id);
    if (node === undefined) return [];
    change(node);
    if (!node.isPreferred) this.#reservations.endNode(node);
    // Avoided nodes may have become the only ones that are large enough for a request.
    const avoided = [...this.#nodes].filter((other) => other.avoided && other !== node);
    return this.#offer(node, ...avoided);
  }

  #find(need: Amount): PlacementNode<Owner> | "no-capacity" | "unsatisfiable" {
    // If a smaller request waits, this one fits on no open node either: there is no need to search.
    const smaller = this.#queue.oldestThatFits(need);
    const room = smaller === undefined ? this.#nodes.findRoom(need) : undefined;
    if (room !== undefined) return room;
    if (this.#nodes.hasPreferredFor(need)) return "no-capacity";
    return this.#nodes.findAvoided(need) ??
      (this.#nodes.canHold(need) ? "no-capacity" : "unsatisfiable");
  }

  /** Nodes may have more room than before. */
  #offer(...nodes: PlacementNode<Owner>[]): readonly Ticket<Owner>[] {
    for (const node of nodes) if (node.present && !node.closed) this.#opened.push(node);
    return this.#settle();
  }

  /** Grants open room to waiting requests, and makes the reservations that are due. */
  #settle(): readonly Ticket<Owner>[] {
    const grants: Ticket<Owner>[] = [];
    for (;;) {
      const node = this.#opened[0];
      const fitting = node && this.#nextFor(node);
      const due = this.#reservations.due();
      // A reservation that is due comes first, or younger requests would go on taking the room.
      if (due !== undefined && due.sequence < (fitting?.sequence ?? Infinity)) {
        this.#reservations.serve(due);
      } else if (node === undefined) {
        return grants;
      } else if (fitting === undefined) {
        this.#opened.shift();
      } else {
        this.#leaveQueue(fitting, true);
        this.#nodes.give(node, fitting);
        grants.push(fitting);
      }
    }
  }

  /** The waiting request that a node can be granted to now. */
  #nextFor({ reservedFor, avoided, free }: PlacementNode<Owner>): Ticket<Owner> | undefined {
    if (reservedFor !== undefined) return fits(reservedFor, free) ? reservedFor : undefined;
    if (!avoided) return this.#queue.oldestThatFits(free);
    for (const ticket of this.#queue) {
      if (fits(ticket, free) && !this.#nodes.hasPreferredFor(ticket)) return ticket;
    }
    return undefined;
  }

  /** Removes a ticket from the queue; nodes reserved for it are open to the others. */
  #leaveQueue(ticket: Ticket<Owner>, granted: boolean): void {
    this.#queue.remove(ticket, granted);
    this.#opened.push(...this.#reservations.end(ticket));
  }
}
