/**
 * Decides which node gets which process. Pure: no clock, no I/O, and the same calls in the same
 * order always give the same answers.
 *
 * - **Fit.** A request is granted only where both its memory and its CPU are free.
 * - **Spread.** Of those nodes it goes to the one that is then the least full, by its fuller
 *   dimension (or, of thousands, to one that is nearly so: see `CapacityTree.findRoom`).
 * - **First come, first served.** What does not fit waits. As soon as room appears, the oldest that
 *   fits gets it; a small request may so overtake a large one.
 * - **Nobody starves.** Once a request has been overtaken {@linkcode OVERTAKES} times, a node is
 *   reserved for it: the one that lacks the least. Nobody else is placed there until it has been
 *   granted, there or elsewhere. At most an eighth of the nodes, but at least one, is reserved so,
 *   for the oldest requests. Since the processes of the reserved node may never end, another node is
 *   reserved for the very oldest request each time that as many have overtaken it as processes are
 *   running (at least `OVERTAKES`): so in the end it gets the first that is large enough and free.
 *
 * Between calls, no waiting request fits on any node that is not reserved, nor on one that is
 * reserved for it.
 */

import type { Resources } from "../core/resources.ts";
import { type Amount, capacityOf, fits, needOf, resourcesOf } from "./amount.ts";
import { CapacityFront } from "./capacity_front.ts";
import { CapacityTree, fullnessWith } from "./capacity_tree.ts";
import { PlacementNode } from "./placement_node.ts";
import { Reservations } from "./reservations.ts";
import { Ticket } from "./ticket.ts";
import { WaitingQueue } from "./waiting_queue.ts";

/** How often a request is overtaken before a node is reserved for it. */
export const OVERTAKES = 32;

/** Of so many nodes, one may be reserved at a time. */
const NODES_PER_RESERVATION = 8;

/** What a node has and has given. */
export interface NodeUsage<Owner> {
  readonly node: string;
  /** Whether it is there; what is away or yet to come has nothing in use. */
  readonly present: boolean;
  readonly capacity: Resources;
  readonly inUse: Resources;
  /** How many requests have been granted there and not been released. */
  readonly count: number;
  /** The owner of the waiting request that it is reserved for. */
  readonly reservedFor: Owner | undefined;
}

/** A request that waits, and why. */
export interface Waiting<Owner> {
  readonly owner: Owner;
  readonly need: Resources;
  /** How many younger requests have been granted while it waited. */
  readonly overtaken: number;
  /**
   * - `room`: no node that is large enough has as much free, and is not reserved for another one.
   * - `node`: no node that is there is that large; one that is away may be.
   */
  readonly waitsFor: "room" | "node";
  /** The nodes that are reserved for it. */
  readonly reserved: readonly string[];
}

const NONE: readonly never[] = Object.freeze([]);

/**
 * The nodes of a cluster, what has been granted on each, and who waits.
 *
 * A request is a {@linkcode Ticket}, which its maker keeps to release it. The queue has no bound of
 * its own: whoever makes requests has each of them pending, and so bounds them.
 */
export class Placement<Owner> {
  readonly #overtakes: number;
  readonly #nodes = new Map<string, PlacementNode<Owner>>();
  /** The nodes by slot; a slot is used again when its node is no longer known. */
  readonly #slots: (PlacementNode<Owner> | undefined)[] = [];
  readonly #tree = new CapacityTree();
  /** Of all known nodes; `undefined` when it has to be made anew. */
  #front: CapacityFront | undefined = new CapacityFront();
  readonly #queue = new WaitingQueue<Owner>();
  readonly #reservations = new Reservations<Owner>();
  /** The oldest waiting request that no reservation has been tried for. */
  #candidate: Ticket<Owner> | undefined = undefined;
  /** How often the oldest waiting request must have been overtaken to get one more node. */
  #widenAt = 0;
  #presentCount = 0;
  #grantedCount = 0;
  /** Nodes with room that has not been offered to everybody yet; empty between calls. */
  readonly #opened: PlacementNode<Owner>[] = [];

  /** @param overtakes Takes the place of {@linkcode OVERTAKES}. */
  constructor(options: { overtakes?: number } = {}) {
    this.#overtakes = options.overtakes ?? OVERTAKES;
  }

  /** How many requests wait. */
  get waitingCount(): number {
    return this.#queue.length;
  }

  /** How many requests have been granted and not been released. */
  get grantedCount(): number {
    return this.#grantedCount;
  }

  /**
   * Makes known a node that is not there yet: what only it is large enough for waits for it, where
   * it would be unsatisfiable otherwise. Changes the capacity of one that is away.
   *
   * @throws {RangeError} If the capacity is none, or too large.
   * @throws {Error} If the node is there.
   */
  expectNode(id: string, capacity: Readonly<Resources>): void {
    this.#know(id, capacityOf(capacity), false);
  }

  /**
   * A node is there, empty: a new one or one that was expected or lost, with this capacity from now
   * on. Returns what has been granted by that, in order.
   *
   * @throws {RangeError} If the capacity is none, or too large.
   * @throws {Error} If the node is there already.
   */
  addNode(id: string, capacity: Readonly<Resources>): readonly Ticket<Owner>[] {
    const node = this.#know(id, capacityOf(capacity), true);
    this.#presentCount++;
    this.#tree.set(node.slot, node);
    this.#opened.push(node);
    return this.#settle();
  }

  /**
   * A node went away, and may come back with {@linkcode addNode}. Returns what had been granted there,
   * in that order, which has ended. What waits goes on waiting, also if no other node is large enough;
   * where the node was reserved, another one is instead.
   */
  loseNode(id: string): Ticket<Owner>[] {
    const node = this.#nodes.get(id);
    if (node === undefined || !node.present) return [];
    const ended = [...node.tickets];
    for (const ticket of ended) node.takeBack(ticket);
    this.#grantedCount -= ended.length;
    node.become(false, node.capacity);
    this.#presentCount--;
    this.#tree.hide(node.slot);
    const waiting = this.#reservations.endNode(node);
    if (waiting !== undefined && this.#reservations.of(waiting).length === 0) {
      this.#reserve(waiting);
    }
    return ended;
  }

  /**
   * As {@linkcode loseNode}, for a node that does not come back: requests that only it was large
   * enough for are unsatisfiable from now on; those that wait already go on waiting.
   */
  removeNode(id: string): Ticket<Owner>[] {
    const ended = this.loseNode(id);
    const node = this.#nodes.get(id);
    if (node === undefined) return ended;
    this.#nodes.delete(id);
    this.#slots[node.slot] = undefined;
    this.#front = undefined;
    return ended;
  }

  /**
   * Asks for a place, and for one in the queue if there is none now: the ticket is granted, or waits
   * until a later call returns it among what has been granted. A need of 0 is one like any other.
   * `unsatisfiable`: no known node is that large, even when empty.
   *
   * @throws {RangeError} If the need is negative, infinite or not a number.
   */
  request(owner: Owner, need: Readonly<Resources>): Ticket<Owner> | "unsatisfiable" {
    const outcome = this.tryRequest(owner, need);
    if (outcome !== "no-capacity") return outcome;
    const ticket = new Ticket(owner, needOf(need));
    this.#queue.push(ticket);
    this.#candidate ??= ticket;
    if (ticket === this.#queue.head) this.#headChanged();
    this.#settle();
    return ticket;
  }

  /** As {@linkcode request}, but never waits: a ticket is granted. */
  tryRequest(
    owner: Owner,
    need: Readonly<Resources>,
  ): Ticket<Owner> | "no-capacity" | "unsatisfiable" {
    const amount = needOf(need);
    const node = this.#find(amount);
    if (typeof node === "string") return node;
    const ticket = new Ticket(owner, amount);
    this.#place(ticket, node);
    if (this.#queue.length > 0) {
      this.#queue.overtakeAll();
      this.#settle();
    }
    return ticket;
  }

  /** What {@linkcode tryRequest} would answer now: nothing is granted, and nobody overtaken. */
  probe(need: Readonly<Resources>): { readonly node: string } | "no-capacity" | "unsatisfiable" {
    const node = this.#find(needOf(need));
    return typeof node === "string" ? node : { node: node.id };
  }

  /**
   * Ends a request: one that is granted gives back exactly what it was given, one that waits leaves
   * the queue. Returns what has been granted by that, in order. One that has ended is left alone, so
   * that nothing is given back twice, and a process may end after its node was lost.
   */
  release(ticket: Ticket<Owner>): readonly Ticket<Owner>[] {
    if (ticket.state === "ended") return NONE;
    const { node } = ticket;
    if (node === undefined) {
      ticket.state = "ended";
      this.#leaveQueue(ticket, false);
      return this.#settle();
    }
    node.takeBack(ticket);
    this.#grantedCount--;
    if (node.reservedFor === undefined) this.#tree.set(node.slot, node);
    // Most releases come while nobody waits.
    if (this.#queue.length === 0) return NONE;
    this.#opened.push(node);
    return this.#settle();
  }

  /** Each known node, the longest known first, but for slots that have been used again. */
  usage(): NodeUsage<Owner>[] {
    return this.#slots.filter((node) => node !== undefined).map((node) => ({
      node: node.id,
      present: node.present,
      capacity: resourcesOf(node.capacity),
      inUse: resourcesOf(node.used),
      count: node.count,
      reservedFor: node.reservedFor?.owner,
    }));
  }

  /** What waits, the oldest first. */
  *waiting(): Generator<Waiting<Owner>> {
    const present = new CapacityFront();
    for (const node of this.#nodes.values()) if (node.present) present.add(node.capacity);
    for (const ticket of this.#queue) {
      yield {
        owner: ticket.owner,
        need: resourcesOf(ticket),
        overtaken: this.#queue.overtaken(ticket),
        waitsFor: present.covers(ticket) ? "room" : "node",
        reserved: this.#reservations.of(ticket).map((node) => node.id),
      };
    }
  }

  #know(id: string, capacity: Amount, present: boolean): PlacementNode<Owner> {
    let node = this.#nodes.get(id);
    if (node?.present === true) throw new Error(`Cannot add node ${id}: it is there already`);
    if (node === undefined) {
      const unused = this.#nodes.size < this.#slots.length ? this.#slots.indexOf(undefined) : -1;
      node = new PlacementNode<Owner>(id, unused < 0 ? this.#slots.length : unused);
      this.#slots[node.slot] = node;
      this.#nodes.set(id, node);
      this.#front?.add(capacity);
    } else if (capacity.mem !== node.capacity.mem || capacity.cpu !== node.capacity.cpu) {
      this.#front = undefined;
    }
    node.become(present, capacity);
    return node;
  }

  #satisfiable(): CapacityFront {
    if (this.#front === undefined) {
      this.#front = new CapacityFront();
      for (const node of this.#nodes.values()) this.#front.add(node.capacity);
    }
    return this.#front;
  }

  #find(need: Amount): PlacementNode<Owner> | "no-capacity" | "unsatisfiable" {
    if (!this.#satisfiable().covers(need)) return "unsatisfiable";
    // Where something smaller waits, this fits nowhere either.
    if (this.#queue.anyFits(need)) return "no-capacity";
    const slot = this.#tree.findRoom(need);
    return slot < 0 ? "no-capacity" : this.#slots[slot]!;
  }

  /** Charges a node for a ticket. */
  #place(ticket: Ticket<Owner>, node: PlacementNode<Owner>): void {
    node.give(ticket);
    this.#grantedCount++;
    if (node.reservedFor === undefined) this.#tree.set(node.slot, node);
  }

  /** Gives what is open to those that wait, and makes the reservations that are due. */
  #settle(): readonly Ticket<Owner>[] {
    if (this.#queue.length === 0) {
      this.#opened.length = 0;
      return NONE;
    }
    const grants: Ticket<Owner>[] = [];
    for (;;) {
      const node = this.#opened[0];
      const fitting = node === undefined ? undefined : this.#nextFor(node);
      const due = this.#due();
      // What is due comes first, or else younger ones would go on taking what it waits for.
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

  /** The waiting request that a node can be given to now. */
  #nextFor(node: PlacementNode<Owner>): Ticket<Owner> | undefined {
    const { reservedFor } = node;
    if (reservedFor === undefined) return this.#queue.oldestThatFits(node.free);
    return fits(reservedFor, node.free) ? reservedFor : undefined;
  }

  /** The waiting request for which a node, or one more, is to be reserved now. */
  #due(): Ticket<Owner> | undefined {
    const { head } = this.#queue;
    const candidate = this.#candidate;
    if (head === undefined) return undefined;
    if (head !== candidate && this.#queue.overtaken(head) >= this.#widenAt) return head;
    const most = Math.max(1, Math.floor(this.#presentCount / NODES_PER_RESERVATION));
    if (candidate === undefined || this.#reservations.count >= most) return undefined;
    return this.#queue.overtaken(candidate) >= this.#overtakes ? candidate : undefined;
  }

  /** Grants a request for which a reservation is due, if there is room now; reserves, if not. */
  #serve(ticket: Ticket<Owner>, grants: Ticket<Owner>[]): void {
    const room = this.#bestOpened(ticket);
    if (room !== undefined) return this.#grant(ticket, room, grants);
    if (ticket === this.#candidate) this.#candidate = this.#queue.after(ticket);
    this.#reserve(ticket);
    if (ticket === this.#queue.head) this.#widenLater(ticket);
  }

  /** Reserves a node for a waiting request, unless none is large enough and not reserved yet. */
  #reserve(ticket: Ticket<Owner>): void {
    const slot = this.#tree.findLargeEnough(ticket);
    if (slot < 0) return;
    this.#reservations.add(ticket, this.#slots[slot]!);
    this.#tree.hide(slot);
  }

  /** Puts a ticket from the queue onto a node that has room for it. */
  #grant(ticket: Ticket<Owner>, node: PlacementNode<Owner>, grants: Ticket<Owner>[]): void {
    this.#leaveQueue(ticket, true);
    this.#place(ticket, node);
    grants.push(ticket);
  }

  /** Takes a ticket out of the queue; what was reserved for it is open to the others. */
  #leaveQueue(ticket: Ticket<Owner>, granted: boolean): void {
    const wasHead = ticket === this.#queue.head;
    if (ticket === this.#candidate) this.#candidate = this.#queue.after(ticket);
    this.#queue.remove(ticket, granted);
    for (const node of this.#reservations.end(ticket)) {
      this.#tree.set(node.slot, node);
      if (!this.#opened.includes(node)) this.#opened.push(node);
    }
    if (wasHead) this.#headChanged();
  }

  /** The oldest request is another one. */
  #headChanged(): void {
    const { head } = this.#queue;
    if (head === undefined) return;
    // When nothing could be reserved for it earlier, that is tried again at once.
    if (this.#reservations.of(head).length === 0) this.#widenAt = this.#overtakes;
    else this.#widenLater(head);
  }

  #widenLater(head: Ticket<Owner>): void {
    this.#widenAt = this.#queue.overtaken(head) + Math.max(this.#overtakes, this.grantedCount, 1);
  }

  /** Of the nodes that are open and have room, the one that is then the least full. */
  #bestOpened(need: Amount): PlacementNode<Owner> | undefined {
    let best: PlacementNode<Owner> | undefined;
    let least = Infinity;
    for (const node of this.#opened) {
      if (node.reservedFor !== undefined || !fits(need, node.free)) continue;
      const fullness = fullnessWith(node, need);
      if (fullness < least) [best, least] = [node, fullness];
    }
    return best;
  }
}
