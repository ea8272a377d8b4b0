/**
 * Finds the oldest waiting request that fits into the given room, among many sizes.
 *
 * Requests of one size form a list, and similar sizes, within a factor of 2 in memory and
 * in CPU, form a group. There are few groups, however many sizes there are: a search checks each group,
 * and searches those that may have an older request that fits.
 *
 * Only the choice of a group rounds. Each request keeps its exact need: if that were rounded up
 * too, a request could wait although a node has room for it, and forever if no node had more.
 */

import { type Amount, fits } from "./amount.ts";
import { type Ticket, TicketList } from "./ticket.ts";

/** More than the level of any amount. */
const MOST_LEVELS = 2 ** 10;

/** All waiting requests of one size, the oldest first. */
class Size<Owner> extends TicketList<Owner> implements Amount {
  readonly mem: number;
  readonly cpu: number;
  /** The `sequence` of the oldest. */
  oldest: number;

  constructor({ mem, cpu, sequence }: Ticket<Owner>) {
    super();
    this.mem = mem;
    this.cpu = cpu;
    this.oldest = sequence;
  }
}

interface Group<Owner> {
  readonly key: number;
  /** The minimum need of its sizes. */
  mem: number;
  cpu: number;
  /** The size with the oldest request comes first. */
  readonly sizes: Size<Owner>[];
}

/** The waiting requests by size, ordered by `sequence`. */
export class SizeIndex<Owner> {
  readonly #byKey = new Map<number, Group<Owner>>();
  readonly #groups: Group<Owner>[] = [];

  /** Adds a ticket that is younger than all others here. */
  add(ticket: Ticket<Owner>): void {
    const group = this.#groupOf(ticket);
    const { sizes } = group;
    const at = indexOf(sizes, ticket);
    if (at < 0) {
      sizes.push(new Size(ticket));
      group.mem = Math.min(group.mem, ticket.mem);
      group.cpu = Math.min(group.cpu, ticket.cpu);
    }
    sizes.at(at)!.append(ticket);
  }

  /** Removes a ticket. */
  remove(ticket: Ticket<Owner>): void {
    const group = this.#groupOf(ticket);
    const { sizes } = group;
    let at = indexOf(sizes, ticket);
    const size = sizes[at]!;
    size.remove(ticket);
    if (size.first === undefined) {
      sizes.splice(at, 1);
      if (sizes.length === 0) this.#forget(group);
      return;
    }
    size.oldest = size.first.sequence;
    // Its oldest request is now a younger one.
    for (; at + 1 < sizes.length && sizes[at + 1]!.oldest < size.oldest; at++) {
      sizes[at] = sizes[at + 1]!;
    }
    sizes[at] = size;
  }

  /** The oldest request that needs at most `room`. */
  oldestThatFits(room: Amount): Ticket<Owner> | undefined {
    const { mem, cpu } = room;
    let found: Size<Owner> | undefined;
    let oldest = Infinity;
    for (const group of this.#groups) {
      if (group.mem > mem || group.cpu > cpu) continue;
      for (const size of group.sizes) {
        if (size.oldest >= oldest) break;
        if (size.mem > mem || size.cpu > cpu) continue;
        found = size;
        oldest = size.oldest;
      }
    }
    return found?.first;
  }

  /** Whether there is a request that needs at most `room`. */
  anyFits(room: Amount): boolean {
    return this.#groups.some((group) =>
      fits(group, room) && group.sizes.some((size) => fits(size, room))
    );
  }

  #groupOf(need: Amount): Group<Owner> {
    const key = levelOf(need.mem) * MOST_LEVELS + levelOf(need.cpu);
    let group = this.#byKey.get(key);
    if (group === undefined) {
      group = { key, mem: Infinity, cpu: Infinity, sizes: [] };
      this.#byKey.set(key, group);
      this.#groups.push(group);
    }
    return group;
  }

  #forget(group: Group<Owner>): void {
    this.#byKey.delete(group.key);
    this.#groups.splice(this.#groups.indexOf(group), 1);
  }
}

function levelOf(amount: number): number {
  return Math.floor(Math.log2(amount + 1));
}

function indexOf(sizes: readonly Amount[], { mem, cpu }: Amount): number {
  return sizes.findIndex((size) => size.mem === mem && size.cpu === cpu);
}
