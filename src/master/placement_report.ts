/** Reports on nodes and waiting requests, for messages, lists and tests. */

import type { Resources } from "../core/resources.ts";
import { type Amount, fits, fitsAny, resourcesOf, withLargest } from "./amount.ts";
import type { Reservations } from "./reservations.ts";
import type { PlacementNode, Ticket } from "./ticket.ts";
import type { WaitingQueue } from "./waiting_queue.ts";

/** What a node has and has given. */
export interface NodeUsage<Owner> {
  readonly node: string;
  /** Whether it is present; a node that is away or expected has nothing in use. */
  readonly present: boolean;
  /** Whether nothing more is granted there. */
  readonly closed: boolean;
  /** Whether others are preferred to it. */
  readonly avoided: boolean;
  readonly capacity: Resources;
  readonly inUse: Resources;
  /** The number of requests granted there and not released. */
  readonly count: number;
  /** The owner of the waiting request it is reserved for. */
  readonly reservedFor: Owner | undefined;
}

/** A request that waits, and why. */
export interface Waiting<Owner> {
  readonly owner: Owner;
  readonly need: Resources;
  /** The number of younger requests that were granted while it waited. */
  readonly overtaken: number;
  /**
   * - `room`: no node has enough free that is not reserved for another request.
   * - `node`: no node that is present and not closed is large enough; another one may be.
   */
  readonly waitsFor: "room" | "node";
  /** The nodes reserved for it. */
  readonly reserved: readonly string[];
}

/** Why a request waits, for its owner. */
export interface Wait {
  /** The number of older waiting requests. */
  readonly before: number;
  /**
   * The node with the most free, measured by the smaller of the two shares of the need that are free
   * there. Nodes that are away, closed, avoided, too small, or reserved for another request do not
   * count;
   * `undefined` if there is no other.
   */
  readonly closest: { readonly node: string; readonly free: Resources } | undefined;
}

/** What a node has and has given. */
export function usageOf<Owner>(node: PlacementNode<Owner>): NodeUsage<Owner> {
  return {
    node: node.id,
    present: node.present,
    closed: node.closed,
    avoided: node.avoided,
    capacity: resourcesOf(node.capacity),
    inUse: resourcesOf(node.used),
    count: node.tickets.length,
    reservedFor: node.reservedFor?.owner,
  };
}

/** The waiting requests, oldest first. */
export function* waitingIn<Owner>(
  queue: WaitingQueue<Owner>,
  nodes: Iterable<PlacementNode<Owner>>,
  reservations: Reservations<Owner>,
): Generator<Waiting<Owner>> {
  let present: readonly Amount[] = [];
  for (const { present: isPresent, closed, capacity } of nodes) {
    if (isPresent && !closed) present = withLargest(present, capacity);
  }
  let overtaken: number | undefined;
  for (const ticket of queue) {
    overtaken ??= queue.overtaken(ticket);
    yield {
      owner: ticket.owner,
      need: resourcesOf(ticket),
      overtaken,
      waitsFor: fitsAny(ticket, present) ? "room" : "node",
      reserved: reservations.of(ticket).map((node) => node.id),
    };
    overtaken -= ticket.overtakes;
  }
}

/** See {@linkcode Wait.closest}. */
export function closestTo<Owner>(
  ticket: Ticket<Owner>,
  nodes: Iterable<PlacementNode<Owner>>,
): Wait["closest"] {
  let closest: PlacementNode<Owner> | undefined;
  let most = -1;
  for (const node of nodes) {
    const { present, closed, avoided, reservedFor, capacity, free } = node;
    if (
      !present || closed || avoided || (reservedFor ?? ticket) !== ticket || !fits(ticket, capacity)
    ) {
      continue;
    }
    const share = Math.min(shareOf(free.mem, ticket.mem), shareOf(free.cpu, ticket.cpu));
    if (share > most) [closest, most] = [node, share];
  }
  return closest && { node: closest.id, free: resourcesOf(closest.free) };
}

function shareOf(free: number, need: number): number {
  return need === 0 ? Infinity : free / need;
}
