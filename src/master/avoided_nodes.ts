/** The present nodes that others are preferred to, and the requests that go there all the same. */

import { type Amount, fits, fitsAny, largestOf } from "./amount.ts";
import { fullnessWith } from "./node_index.ts";
import type { PlacementNode, Ticket } from "./ticket.ts";

/** A request goes to an avoided node only if no other present node is large enough, even when it is empty. */
export class AvoidedNodes<Owner> {
  readonly #all: ReadonlyMap<string, PlacementNode<Owner>>;
  readonly #avoided = new Set<PlacementNode<Owner>>();
  /** The largest capacities of the others; `undefined` when they have to be found again. */
  #largest: readonly Amount[] | undefined;

  /** `all` are the nodes that are known, which the owner changes. */
  constructor(all: ReadonlyMap<string, PlacementNode<Owner>>) {
    this.#all = all;
  }

  /** Adds a present node. */
  add(node: PlacementNode<Owner>): void {
    node.avoided = true;
    this.#avoided.add(node);
    this.changed();
  }

  /** Removes a node; `false` if it is not avoided. */
  delete(node: PlacementNode<Owner>): boolean {
    node.avoided = false;
    this.changed();
    return this.#avoided.delete(node);
  }

  /** A node came, went, was opened or closed. */
  changed(): void {
    this.#largest = undefined;
  }

  /** Those that can be granted something. */
  open(): PlacementNode<Owner>[] {
    return [...this.#avoided].filter(({ closed }) => !closed);
  }

  /** The one with room for a request that would be the least full, if the request goes to one. */
  find(need: Amount): PlacementNode<Owner> | undefined {
    if (this.#avoided.size === 0 || !this.#takes(need)) return undefined;
    let [found, least] = [undefined as PlacementNode<Owner> | undefined, Infinity];
    for (const node of this.open()) {
      const fullness = fits(need, node.free) ? fullnessWith(node, need) : Infinity;
      if (fullness < least) [found, least] = [node, fullness];
    }
    return found;
  }

  /** The oldest waiting request that can be granted on one of them. */
  next({ free }: PlacementNode<Owner>, queue: Iterable<Ticket<Owner>>): Ticket<Owner> | undefined {
    for (const ticket of queue) if (fits(ticket, free) && this.#takes(ticket)) return ticket;
    return undefined;
  }

  #takes(need: Amount): boolean {
    this.#largest ??= largestOf(
      this.#all.values().filter(({ present, closed, avoided }) => present && !closed && !avoided),
    );
    return !fitsAny(need, this.#largest);
  }
}
