/** All nodes that requests may be granted on, and the search for the best one. */

import { type Amount, fits } from "./amount.ts";
import { PlacementNode, type Ticket } from "./ticket.ts";

/** A search that has examined this many nodes is content with the best of those that will do. */
export const ENOUGH = 256;

/** In steps of a large prime, the nodes of a large cluster are examined in a mixed order, and all of them. */
const PRIME = 1_000_000_007;

// What a search reads of each node. Following pointers to this many nodes would take ten times as long.
const FREE = 0;
const CAPACITY = 2;
const STRIDE = 4;

/** How full a node would be with `need`, by its fuller dimension; 1 is full. */
export function fullnessWith(
  { capacity, free }: Pick<PlacementNode<unknown>, "capacity" | "free">,
  need: Amount,
): number {
  return Math.max(
    share(capacity.mem, free.mem, need.mem),
    share(capacity.cpu, free.cpu, need.cpu),
  );
}

function share(capacity: number, free: number, need: number): number {
  return (capacity - free + need) / (capacity > 1 ? capacity : 1);
}

/** All known nodes, the longest known first. */
export class PlacementNodes<Owner> implements Iterable<PlacementNode<Owner>> {
  /** The numbers of present nodes, and of requests that are granted and not released. */
  present = 0;
  granted = 0;
  readonly #byId = new Map<string, PlacementNode<Owner>>();
  /** In the order of their `at`. */
  readonly #all: PlacementNode<Owner>[] = [];
  #sizes = new Float64Array(8 * STRIDE);
  /** Where a search begins: behind the last node that was granted something, so that equal ones take turns. */
  #start = 0;

  [Symbol.iterator](): Iterator<PlacementNode<Owner>> {
    return this.#byId.values();
  }

  get(id: string): PlacementNode<Owner> | undefined {
    return this.#byId.get(id);
  }

  /** Sets the presence and the capacity of a node that nothing is granted on. It may be a new one. */
  set(id: string, present: boolean, capacity: Amount): PlacementNode<Owner> {
    let node = this.#byId.get(id);
    if (node === undefined) {
      node = new PlacementNode(id, this.#all.length);
      this.#byId.set(id, node);
      this.#all.push(node);
    }
    this.present += Number(present) - Number(node.present);
    node.present = present;
    node.avoided = false;
    node.capacity = capacity;
    this.#use(node, node.free.mem - capacity.mem, node.free.cpu - capacity.cpu);
    return node;
  }

  /** Forgets a node that nothing is granted on. */
  delete(node: PlacementNode<Owner>): void {
    this.#byId.delete(node.id);
    const last = this.#all.pop()!;
    if (last === node) return;
    last.at = node.at;
    this.#all[last.at] = last;
    this.#write(last);
  }

  /** Grants a ticket on a node that has room for it. */
  give(node: PlacementNode<Owner>, ticket: Ticket<Owner>): void {
    node.tickets.append(ticket);
    ticket.node = node;
    ticket.state = "granted";
    this.granted++;
    this.#start = node.at + 1;
    this.#use(node, ticket.mem, ticket.cpu);
  }

  /** Ends the grant of a ticket. */
  takeBack(node: PlacementNode<Owner>, ticket: Ticket<Owner>): void {
    node.tickets.remove(ticket);
    ticket.node = undefined;
    ticket.state = "ended";
    this.granted--;
    this.#use(node, -ticket.mem, -ticket.cpu);
  }

  /** Whether a node is large enough, now or when it is present. */
  canHold(need: Amount): boolean {
    return this.#all.some(({ capacity }) => fits(need, capacity));
  }

  /** Whether a present node that is neither closed nor avoided is large enough. */
  hasPreferredFor(need: Amount): boolean {
    return this.#all.some(({ present, closed, avoided, capacity }) =>
      present && !closed && !avoided && fits(need, capacity)
    );
  }

  /**
   * The open node that has room for `need` and would be the least full with it, by its fuller dimension. Among
   * more than {@linkcode ENOUGH} nodes it is the best of so many, or of as many as it takes to find one.
   */
  findRoom(need: Amount): PlacementNode<Owner> | undefined {
    return this.#find(need, FREE, ({ isOpen }) => isOpen);
  }

  /** Like {@linkcode findRoom}, among the avoided nodes that are not closed. */
  findAvoided(need: Amount): PlacementNode<Owner> | undefined {
    return this.#find(need, FREE, ({ avoided, closed }) => avoided && !closed);
  }

  /**
   * Like {@linkcode findRoom}, but among all open nodes that are large enough, whether or not they have room:
   * the one that lacks the smallest share of its capacity.
   */
  findLargeEnough(need: Amount): PlacementNode<Owner> | undefined {
    return this.#find(need, CAPACITY, ({ isOpen }) => isOpen);
  }

  #find(
    { mem, cpu }: Amount,
    room: number,
    willDo: (node: PlacementNode<Owner>) => boolean,
  ): PlacementNode<Owner> | undefined {
    const [all, sizes, { length }] = [this.#all, this.#sizes, this.#all];
    const step = length > ENOUGH ? PRIME % length : 1;
    let found: PlacementNode<Owner> | undefined;
    let least = Infinity;
    let at = this.#start % length;
    for (let left = length; left > 0; left--) {
      if (at >= length) at -= length;
      const first = at * STRIDE;
      if (mem <= sizes[first + room]! && cpu <= sizes[first + room + 1]!) {
        const memShare = share(sizes[first + CAPACITY]!, sizes[first + FREE]!, mem);
        const cpuShare = share(sizes[first + CAPACITY + 1]!, sizes[first + FREE + 1]!, cpu);
        const fullness = Math.max(memShare, cpuShare);
        if (fullness < least && willDo(all[at]!)) [found, least] = [all[at], fullness];
      }
      if (found !== undefined && left <= length - ENOUGH) break;
      at += step;
    }
    return found;
  }

  #use(node: PlacementNode<Owner>, mem: number, cpu: number): void {
    node.free.mem -= mem;
    node.free.cpu -= cpu;
    this.#write(node);
  }

  /** Copies what a search reads. */
  #write({ at, free, capacity }: PlacementNode<Owner>): void {
    const first = at * STRIDE;
    if (first === this.#sizes.length) {
      const old = this.#sizes;
      this.#sizes = new Float64Array(2 * first);
      this.#sizes.set(old);
    }
    this.#sizes[first + FREE] = free.mem;
    this.#sizes[first + FREE + 1] = free.cpu;
    this.#sizes[first + CAPACITY] = capacity.mem;
    this.#sizes[first + CAPACITY + 1] = capacity.cpu;
  }
}
