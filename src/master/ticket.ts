/** Requests for places, and the nodes that they are granted on. */

import type { Amount } from "./amount.ts";

/**
 * One request for a place. It `waits`, is `granted`, or has `ended`, because it was released or its node was lost.
 *
 * Its maker may read `owner`, `state` and `nodeId`; all else belongs to placement.
 */
export class Ticket<Owner> implements Amount {
  /** The value it was made with. */
  readonly owner: Owner;
  readonly mem: number;
  readonly cpu: number;
  state: "waits" | "granted" | "ended" = "waits";
  /** The node, while it is granted. */
  node: PlacementNode<Owner> | undefined = undefined;
  /** The nodes reserved for it while it waits, and how often it is to be overtaken before one more is (`Reservations`). */
  reserved: readonly PlacementNode<Owner>[] = [];
  reserveAt = 0;

  /** Orders waiting requests by age; the neighbours in that order, and what is recorded (`WaitingQueue`). */
  sequence = -1;
  older: Ticket<Owner> | undefined = undefined;
  younger: Ticket<Owner> | undefined = undefined;
  overtakes = 0;
  /** What `SizeIndex` calls the list that it is in. */
  size = "";

  constructor(owner: Owner, need: Amount) {
    this.owner = owner;
    this.mem = need.mem;
    this.cpu = need.cpu;
  }

  /** The name of the node, while it is granted. */
  get nodeId(): string | undefined {
    return this.node?.id;
  }
}

/** A known node, present or away. What it has and has given is changed by `PlacementNodes` alone. */
export class PlacementNode<Owner> {
  readonly id: string;
  present = false;
  /** Whether nothing more may be granted here. */
  closed = false;
  /** Whether others are preferred to it; only while it is present. */
  avoided = false;
  capacity: Amount = { mem: 0, cpu: 0 };
  /** What of its capacity is not granted. */
  readonly free: { mem: number; cpu: number } = { mem: 0, cpu: 0 };
  /** The requests granted here, in order. */
  readonly tickets: Set<Ticket<Owner>> = new Set();
  /** The waiting request that it is reserved for. Only `Reservations` changes it. */
  reservedFor: Ticket<Owner> | undefined = undefined;
  /** Its place among all nodes. */
  at: number;

  constructor(id: string, at: number) {
    this.id = id;
    this.at = at;
  }

  /** Whether it is present, and neither closed nor avoided. */
  get isPreferred(): boolean {
    return this.present && !this.closed && !this.avoided;
  }

  /** Whether any request may be granted here, if there is room. */
  get isOpen(): boolean {
    return this.isPreferred && this.reservedFor === undefined;
  }
}
