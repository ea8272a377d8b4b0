/** Room without limit, as in a local run. */

import type { NodePort } from "../core/roles.ts";
import type { Place, Placer } from "./master.ts";

/** Assigns processes to the nodes in turn, whatever they need. */
export class Unlimited implements Placer {
  readonly #nodes: NodePort[] = [];
  #next = 0;

  /** Adds a node, for processes that are placed from now on. */
  addNode(node: NodePort): void {
    this.#nodes.push(node);
  }

  place(): Promise<Place> {
    const node = this.#nodes[this.#next++ % this.#nodes.length];
    if (node === undefined) return Promise.reject(new Error("Cannot spawn: the run has no node"));
    return Promise.resolve({ node, free: () => {} });
  }
}
