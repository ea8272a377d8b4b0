/** All nodes that requests may be granted on, and the search for the best one. */

import { type Amount, fits } from "./amount.ts";
import { PlacementNode, type Ticket } from "./ticket.ts";

/** A search that has examined this many nodes is content with the best of those that will do. */
export const ENOUGH = 256;

/** In steps of a large prime, the nodes of a large cluster are examined in a mixed order, and all of them. */
const PRIME = 1_000_000_007;

/** What a search reads of each node: `mem` and `cpu` that are free, then those of its capacity. */
const STRIDE = 4;
const FREE = 0;
const CAPACITY = 2;

/** All known nodes, the longest known first. */
export class PlacementNodes<Owner> implements Iterable<PlacementNode<Owner>> {
  /** The numbers of present nodes, and of requests that are granted and not released. */
  present = 0;
  granted = 0;
  readonly #byId = new Map<string, PlacementNode<Owner>>();
  /** In the order of their `at`. */
  readonly #all: PlacementNode<Owner>[] = [];
  /** Copies in the same order: following pointers to this many nodes would take ten times as long. */
  readonly #sizes: number[] = [];
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
  delete(id: string): void {
    const node = this.#byId.get(id);
    if (node === undefined) return;
    this.#byId.delete(id);
    const last = this.#all.pop()!;
    if (last === node) return;
    last.at = node.at;
    this.#all[last.at] = last;
    this.#use(last, 0, 0);
  }

  /** Grants a ticket on a node that has room for it. */
  give(node: PlacementNode<Owner>, ticket: Ticket<Owner>): void {
    node.tickets.add(ticket);
    ticket.node = node;
    ticket.state = "granted";
    this.granted++;
    this.#start = node.at + 1;
    this.#use(node, ticket.mem, ticket.cpu);
  }

  /** Ends the grant of a ticket. */
  takeBack(node: PlacementNode<Owner>, ticket: Ticket<Owner>): void {
    node.tickets.delete(ticket);
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
    return this.#all.some((node) => node.isPreferred && fits(need, node.capacity));
  }

  /**
   * The open node that has room for `need` and would be the least full with it, by its fuller dimension. Among
   * more than {@linkcode ENOUGH} nodes it is the best of so many, or of as many as it takes to find one.
   */
  findRoom(need: Amount): PlacementNode<Owner> | undefined {
    return this.#find(need, FREE, ({ isOpen }) => isOpen);
  }

  /** The same among the avoided nodes that are not closed. */
  findAvoided(need: Amount): PlacementNode<Owner> | undefined {
    return this.#find(need, FREE, ({ avoided, closed }) => avoided && !closed);
  }

  /** The same among all open nodes that are large enough, whether or not they have room. */
  findLargeEnough(need: Amount): PlacementNode<Owner> | undefined {
    return this.#find(need, CAPACITY, ({ isOpen }) => isOpen);
  }

  #find(
    { mem, cpu }: Amount,
    room: typeof FREE | typeof CAPACITY,
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
        const fullness = Math.max(
          share(sizes[first + CAPACITY]!, sizes[first + FREE]!, mem),
          share(sizes[first + CAPACITY + 1]!, sizes[first + FREE + 1]!, cpu),
        );
        if (fullness < least && willDo(all[at]!)) [found, least] = [all[at], fullness];
      }
      if (found !== undefined && left <= length - ENOUGH) break;
      at += step;
    }
    return found;
  }

  /** Takes from what is free of a node, and copies what a search reads of it. */
  #use(node: PlacementNode<Owner>, mem: number, cpu: number): void {
    const { at, free, capacity } = node;
    free.mem -= mem;
    free.cpu -= cpu;
    const first = at * STRIDE;
    this.#sizes[first + FREE] = free.mem;
    this.#sizes[first + FREE + 1] = free.cpu;
    this.#sizes[first + CAPACITY] = capacity.mem;
    this.#sizes[first + CAPACITY + 1] = capacity.cpu;
  }
}

/** The share of a node's capacity that is in use with `need`; 1 is full. */
function share(capacity: number, free: number, need: number): number {
  return (capacity - free + need) / (capacity > 1 ? capacity : 1);
}
