/**
 * Decides which node gets each process. Pure: no clock, no I/O; the same calls in the same
 * order always give the same results.
 *
 * - **Fit.** A request is granted only where both its memory and its CPU are free.
 * - **Spread.** Among those nodes it goes to the one that is then the least full, by its fuller
 *   dimension (among thousands, to one that is nearly so: see `NodeIndex.findRoom`).
 * - **First come, first served.** A request that does not fit waits. When room appears, the oldest that
 *   fits gets it (among hundreds of sizes, one of the oldest: see `SizeIndex.oldestThatFits`), so a small
 *   request may overtake a large one.
 * - **No starvation.** A request that has been overtaken too often has a node reserved for it: the one that
 *   lacks the least. Nothing else is placed there until it has been granted, there or elsewhere
 *   ({@linkcode Reservations}).
 *
 * - **Closed nodes.** Nothing is granted on a node that is closed, and it is reserved for nothing.
 *
 * - **Avoided nodes.** A node that cannot start processes for now is avoided: it gets only requests that no
 *   other present node is large enough for, even when empty. The others wait for room elsewhere.
 *
 * Between calls, no waiting request fits on any node that is neither closed, reserved nor avoided, nor on one
 * that is reserved for it.
 */

import type { Resources } from "../core/resources.ts";
import { type Amount, capacityOf, fits, fitsAny, largestOf, needOf } from "./amount.ts";
import { AvoidedNodes } from "./avoided_nodes.ts";
import { NodeIndex } from "./node_index.ts";
import {
  closestTo,
  type NodeUsage,
  usageOf,
  type Wait,
  type Waiting,
  waitingIn,
} from "./placement_report.ts";
import { OVERTAKES, Reservations } from "./reservations.ts";
import { PlacementNode, Ticket } from "./ticket.ts";
import { WaitingQueue } from "./waiting_queue.ts";

const NONE: readonly never[] = Object.freeze([]);

/**
 * The nodes of a cluster, the grants on each, and the waiting requests.
 *
 * A request is a {@linkcode Ticket}, which the caller keeps to release it. The queue has no bound of
 * its own: its callers keep each request pending, and so bound them.
 */
export class Placement<Owner> {
  readonly #nodes = new Map<string, PlacementNode<Owner>>();
  /** The nodes that are present, and neither closed nor reserved. */
  readonly #index = new NodeIndex<Owner>();
  /** The largest capacities of known nodes; `undefined` when they have to be found again. */
  #largest: readonly Amount[] | undefined = [];
  readonly #queue = new WaitingQueue<Owner>();
  readonly #reservations: Reservations<Owner>;
  readonly #counts = { present: 0, granted: 0 };
  /** They are neither in the index nor reserved. */
  readonly #avoided = new AvoidedNodes(this.#nodes);
  /** Nodes with room that has not been offered to all waiting requests; empty between calls. */
  readonly #opened: PlacementNode<Owner>[] = [];

  /** @param overtakes Replaces {@linkcode OVERTAKES}. */
  constructor(options: { overtakes?: number } = {}) {
    this.#reservations = new Reservations(this.#queue, options.overtakes ?? OVERTAKES);
  }

  /** The number of waiting requests. */
  get waitingCount(): number {
    return this.#queue.length;
  }

  /** The number of requests that are granted and not released. */
  get grantedCount(): number {
    return this.#counts.granted;
  }

  /**
   * Adds a node that is expected but not present: requests that only it is large enough for wait for it
   * instead of being unsatisfiable. Changes the capacity of a node that is away.
   *
   * @throws {RangeError} If the capacity is none, or too large.
   * @throws {Error} If the node is present.
   */
  expectNode(id: string, capacity: Readonly<Resources>): void {
    this.#know(id, capacityOf(capacity), false);
  }

  /**
   * A node is present, empty: a new one or one that was expected or lost, with this capacity from now
   * on. Returns the requests granted as a result, in order. It is still closed if it was.
   *
   * @throws {RangeError} If the capacity is none, or too large.
   * @throws {Error} If the node is already present.
   */
  addNode(id: string, capacity: Readonly<Resources>): readonly Ticket<Owner>[] {
    const node = this.#know(id, capacityOf(capacity), true);
    this.#counts.present++;
    return this.#offer(node);
  }

  /**
   * From now on nothing is granted on a known node, now or when it is present again, until it is opened. What
   * it has been granted stays. If it was reserved, another one is reserved instead. Requests that only it is
   * large enough for wait.
   */
  closeNode(id: string): void {
    const node = this.#nodes.get(id);
    if (node === undefined || node.closed) return;
    node.closed = true;
    this.#avoided.changed();
    this.#withdraw(node);
  }

  /** Whether a node is closed. */
  isClosed(id: string): boolean {
    return this.#nodes.get(id)?.closed ?? false;
  }

  /** Ends the effect of {@linkcode closeNode}. Returns the requests granted as a result, in order. */
  openNode(id: string): readonly Ticket<Owner>[] {
    const node = this.#nodes.get(id);
    if (node === undefined || !node.closed) return NONE;
    node.closed = false;
    return node.present ? this.#offer(node) : NONE;
  }

  /**
   * Avoids a present node until {@linkcode preferNode}, or until it is added again. What it has granted stays.
   * Returns the requests granted as a result, in order: they are too large for the nodes that are left.
   */
  avoidNode(id: string): readonly Ticket<Owner>[] {
    const node = this.#nodes.get(id);
    if (node === undefined || !node.present || node.avoided) return NONE;
    this.#avoided.add(node);
    this.#withdraw(node);
    this.#opened.push(...this.#avoided.open());
    return this.#settle();
  }

  /** Ends {@linkcode avoidNode}. Returns the requests granted as a result, in order. */
  preferNode(id: string): readonly Ticket<Owner>[] {
    const node = this.#nodes.get(id);
    if (node === undefined || !this.#avoided.delete(node)) return NONE;
    return this.#offer(node);
  }

  /**
   * A node was lost, and may come back with {@linkcode addNode}. Returns the grants it had, which have
   * ended, in order. Requests go on waiting, even if no other node is large enough;
   * if the node was reserved, another one is reserved instead.
   */
  loseNode(id: string): Ticket<Owner>[] {
    const node = this.#nodes.get(id);
    if (node === undefined || !node.present) return [];
    const ended = [...node.tickets];
    for (const ticket of ended) node.takeBack(ticket);
    this.#counts.granted -= ended.length;
    node.become(false, node.capacity);
    this.#avoided.delete(node);
    this.#counts.present--;
    this.#withdraw(node);
    return ended;
  }

  /**
   * Like {@linkcode loseNode}, for a node that will not come back: requests that only it was large
   * enough for are unsatisfiable from now on; those that already wait go on waiting.
   */
  removeNode(id: string): Ticket<Owner>[] {
    const ended = this.loseNode(id);
    const node = this.#nodes.get(id);
    if (node === undefined) return ended;
    this.#nodes.delete(id);
    this.#largest = undefined;
    return ended;
  }

  /**
   * Requests a place, or joins the queue if there is none now: the ticket is granted, or waits
   * until a later call returns it as granted. A need of 0 is treated like any other.
   * `unsatisfiable`: no known node is that large, even when empty.
   *
   * @throws {RangeError} If the need is negative, infinite or not a number.
   */
  request(owner: Owner, need: Readonly<Resources>): Ticket<Owner> | "unsatisfiable" {
    const ticket = new Ticket(owner, needOf(need));
    const outcome = this.#try(ticket);
    if (outcome === "unsatisfiable") return outcome;
    if (outcome === "no-capacity") {
      this.#queue.push(ticket);
      this.#settle();
    }
    return ticket;
  }

  /** Like {@linkcode request}, but never waits: a returned ticket is granted. */
  tryRequest(
    owner: Owner,
    need: Readonly<Resources>,
  ): Ticket<Owner> | "no-capacity" | "unsatisfiable" {
    const ticket = new Ticket(owner, needOf(need));
    return this.#try(ticket) ?? ticket;
  }

  /** The answer that {@linkcode tryRequest} would give now, without granting anything. */
  probe(need: Readonly<Resources>): { readonly node: string } | "no-capacity" | "unsatisfiable" {
    const node = this.#find(needOf(need));
    return typeof node === "string" ? node : { node: node.id };
  }

  /**
   * Ends a request: a granted one gives back exactly what it was granted, a waiting one leaves
   * the queue. Returns the requests granted as a result, in order. For one that has ended this is a no-op,
   * so nothing is given back twice, and a process may end after its node was lost.
   */
  release(ticket: Ticket<Owner>): readonly Ticket<Owner>[] {
    if (ticket.state === "ended") return NONE;
    if (ticket.state === "waits") {
      ticket.state = "ended";
      this.#leaveQueue(ticket, false);
      return this.#settle();
    }
    const node = ticket.node!;
    node.takeBack(ticket);
    this.#counts.granted--;
    if (node.closed) return NONE;
    this.#changed(node);
    // Most releases come while no request waits.
    if (this.#queue.length === 0) return NONE;
    this.#opened.push(node);
    return this.#settle();
  }

  /** Each known node, the longest known first. */
  usage(): NodeUsage<Owner>[] {
    return Array.from(this.#nodes.values(), usageOf);
  }

  /** The waiting requests, oldest first. */
  waiting(): Generator<Waiting<Owner>> {
    return waitingIn(this.#queue, this.#nodes.values(), this.#reservations);
  }

  /**
   * What a ticket waits for; `undefined` if it does not wait. Takes time proportional to the number
   * of nodes and of older requests, and changes nothing.
   */
  why(ticket: Ticket<Owner>): Wait | undefined {
    if (ticket.state !== "waits") return undefined;
    return {
      before: this.#queue.before(ticket),
      closest: closestTo(ticket, this.#nodes.values()),
    };
  }

  #know(id: string, capacity: Amount, present: boolean): PlacementNode<Owner> {
    let node = this.#nodes.get(id);
    if (node?.present === true) throw new Error(`Cannot add node ${id}: it is already present`);
    if (node === undefined) {
      node = new PlacementNode<Owner>(id);
      this.#nodes.set(id, node);
    }
    this.#largest = undefined;
    node.become(present, capacity);
    return node;
  }

  /** A node can be granted requests. Returns those that are. */
  #offer(node: PlacementNode<Owner>): readonly Ticket<Owner>[] {
    this.#avoided.changed();
    if (node.closed) return NONE;
    this.#changed(node);
    this.#opened.push(node);
    return this.#settle();
  }

  /** Nothing can be granted on a node any more, except if it is avoided. If it was reserved, another one is. */
  #withdraw(node: PlacementNode<Owner>): void {
    this.#index.hide(node);
    const waiting = this.#reservations.endNode(node);
    if (waiting !== undefined && this.#reservations.of(waiting).length === 0) {
      this.#reserve(waiting);
    }
  }

  #find(need: Amount): PlacementNode<Owner> | "no-capacity" | "unsatisfiable" {
    this.#largest ??= largestOf(this.#nodes.values());
    if (!fitsAny(need, this.#largest)) return "unsatisfiable";
    // If a smaller request waits, this one fits nowhere either, except on an avoided node.
    const node = this.#queue.anyFits(need) ? undefined : this.#index.findRoom(need);
    return node ?? this.#avoided.find(need) ?? "no-capacity";
  }

  /** The free room of a present node that is not closed has changed. */
  #changed(node: PlacementNode<Owner>): void {
    if (node.reservedFor === undefined && !node.avoided) this.#index.set(node);
  }

  /** Grants a new ticket, or gives the reason why not. */
  #try(ticket: Ticket<Owner>): "no-capacity" | "unsatisfiable" | undefined {
    const node = this.#find(ticket);
    if (typeof node === "string") return node;
    this.#place(ticket, node);
    if (this.#queue.length > 0) {
      this.#queue.overtakeAll();
      this.#settle();
    }
    return undefined;
  }

  /** Charges a node for a ticket. */
  #place(ticket: Ticket<Owner>, node: PlacementNode<Owner>): void {
    node.give(ticket);
    this.#counts.granted++;
    this.#changed(node);
  }

  /** Grants open room to waiting requests, and makes the reservations that are due. */
  #settle(): readonly Ticket<Owner>[] {
    if (this.#queue.length === 0) {
      this.#opened.length = 0;
      return NONE;
    }
    const grants: Ticket<Owner>[] = [];
    for (;;) {
      const node = this.#opened[0];
      const fitting = node === undefined ? undefined : this.#nextFor(node);
      const due = this.#reservations.due(this.#counts);
      // Reservations that are due come first, or younger requests would go on taking the room.
      if (due !== undefined && (fitting === undefined || due.sequence < fitting.sequence)) {
        this.#serve(due, grants);
      } else if (node === undefined) {
        return grants;
      } else if (fitting === undefined) {
        this.#opened.shift();
      } else {
        this.#grant(fitting, node, grants);
      }
    }
  }

  /** The waiting request that a node can be granted to now. */
  #nextFor(node: PlacementNode<Owner>): Ticket<Owner> | undefined {
    const { reservedFor } = node;
    if (node.avoided) return this.#avoided.next(node, this.#queue);
    if (reservedFor === undefined) return this.#queue.oldestThatFits(node.free);
    return fits(reservedFor, node.free) ? reservedFor : undefined;
  }

  /** Grants a request for which a reservation is due, if there is room now; reserves, if not. */
  #serve(ticket: Ticket<Owner>, grants: Ticket<Owner>[]): void {
    const room = this.#opened.find(({ reservedFor, avoided, free }) =>
      reservedFor === undefined && !avoided && fits(ticket, free)
    );
    if (room !== undefined) return this.#grant(ticket, room, grants);
    this.#reserve(ticket);
    this.#reservations.tried(ticket, this.#counts);
  }

  /** Reserves a node for a waiting request, if one that is large enough is not reserved yet. */
  #reserve(ticket: Ticket<Owner>): void {
    const node = this.#index.findLargeEnough(ticket);
    if (node === undefined) return;
    this.#reservations.add(ticket, node);
    this.#index.hide(node);
  }

  /** Grants a queued ticket on a node that has room for it. */
  #grant(ticket: Ticket<Owner>, node: PlacementNode<Owner>, grants: Ticket<Owner>[]): void {
    this.#leaveQueue(ticket, true);
    this.#place(ticket, node);
    grants.push(ticket);
  }

  /** Removes a ticket from the queue; nodes reserved for it are open to the others. */
  #leaveQueue(ticket: Ticket<Owner>, granted: boolean): void {
    this.#queue.remove(ticket, granted);
    for (const node of this.#reservations.end(ticket)) {
      this.#index.set(node);
      if (!this.#opened.includes(node)) this.#opened.push(node);
    }
  }
}
