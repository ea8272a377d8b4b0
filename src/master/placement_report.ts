/** Reports on nodes and waiting requests, for messages, lists and tests. */

import type { Resources } from "../core/resources.ts";
import { fits, resourcesOf } from "./amount.ts";
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
   * count; `undefined` if there is no other.
   */
  readonly closest: { readonly node: string; readonly free: Resources } | undefined;
}

/** What a node has and has given. */
export function usageOf<Owner>(node: PlacementNode<Owner>): NodeUsage<Owner> {
  const { id, present, closed, avoided, capacity, free, tickets, reservedFor } = node;
  return {
    node: id,
    present,
    closed,
    avoided,
    capacity: resourcesOf(capacity),
    inUse: resourcesOf({ mem: capacity.mem - free.mem, cpu: capacity.cpu - free.cpu }),
    count: tickets.size,
    reservedFor: reservedFor?.owner,
  };
}

/** The waiting requests, oldest first. */
export function* waitingIn<Owner>(
  queue: WaitingQueue<Owner>,
  nodes: Iterable<PlacementNode<Owner>>,
): Generator<Waiting<Owner>> {
  const usable = [...nodes].filter(({ present, closed }) => present && !closed);
  let overtaken = queue.headOvertaken;
  for (const ticket of queue) {
    yield {
      owner: ticket.owner,
      need: resourcesOf(ticket),
      overtaken,
      waitsFor: usable.some(({ capacity }) => fits(ticket, capacity)) ? "room" : "node",
      reserved: ticket.reserved.map((node) => node.id),
    };
    overtaken -= ticket.overtakes;
  }
}

/** Why a waiting request waits. */
export function waitOf<Owner>(
  ticket: Ticket<Owner>,
  nodes: Iterable<PlacementNode<Owner>>,
): Wait {
  let before = 0;
  for (let { older } = ticket; older !== undefined; { older } = older) before++;
  let closest: Wait["closest"];
  let most = -1;
  for (const { id, isPreferred, reservedFor, capacity, free } of nodes) {
    if (!isPreferred || !fits(ticket, capacity)) continue;
    if (reservedFor !== undefined && reservedFor !== ticket) continue;
    const share = Math.min(shareOf(free.mem, ticket.mem), shareOf(free.cpu, ticket.cpu));
    if (share > most) [closest, most] = [{ node: id, free: resourcesOf(free) }, share];
  }
  return { before, closest };
}

function shareOf(free: number, need: number): number {
  return need === 0 ? Infinity : free / need;
}
