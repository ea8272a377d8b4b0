/** The room of a cluster: grants places for processes, and lets requests wait for them. */

import { SpawnError } from "../core/errors.ts";
import { formatCpu, formatMem, type Resources } from "../core/resources.ts";
import { requestedProcess, type SpawnRequest, type SpawnWaiting } from "../core/roles.ts";
import { Placement } from "./placement.ts";
import type { NodeUsage } from "./placement_report.ts";
import { RoomMeter } from "./room_meter.ts";
import type { Ticket } from "./ticket.ts";

/** Room for one process on the node of that name. */
export interface GrantedRoom {
  /** `undefined` if the node was lost just now. */
  readonly node: string | undefined;
  /** Releases it. Idempotent, and a no-op after the node was lost. */
  free(): void;
}

/** The maker of a request. */
interface Waiter {
  /** Set while it waits. */
  granted: (() => void) | undefined;
}

/** Where a process would go now. The message is the reason, in one line. */
export interface Answer {
  readonly node: string | null;
  /** Whether a node is large enough, now or when it is empty. */
  readonly possible: boolean;
  readonly message: string;
}

/** Shared by all runs of a cluster. {@linkcode Placement} makes the decisions. */
export class Room {
  readonly #placement = new Placement<Waiter>();
  readonly #freed: (node: string) => void;
  /** Its measurements. */
  readonly meter: RoomMeter;

  /**
   * @param freed Called when room on a node has been given back.
   * @param now A monotonic clock, in ms.
   */
  constructor(
    freed: (node: string) => void = () => {},
    now: () => number = () => performance.now(),
  ) {
    this.#freed = freed;
    this.meter = new RoomMeter(now);
  }

  /** As {@linkcode Placement.expectNode}. */
  expectNode(name: string, capacity: Readonly<Resources>): void {
    this.#placement.expectNode(name, capacity);
  }

  /** As {@linkcode Placement.addNode}. */
  addNode(name: string, capacity: Readonly<Resources>): void {
    this.#grant(this.#placement.addNode(name, capacity));
  }

  /** As {@linkcode Placement.loseNode}. */
  loseNode(name: string): void {
    this.#grant(this.#placement.loseNode(name));
  }

  /** As {@linkcode Placement.closeNode}. */
  closeNode(name: string): void {
    this.#grant(this.#placement.closeNode(name));
  }

  /** As {@linkcode Placement.openNode}. */
  openNode(name: string): void {
    this.#grant(this.#placement.openNode(name));
  }

  /** As {@linkcode Placement.removeNode}. */
  removeNode(name: string): void {
    this.#grant(this.#placement.removeNode(name));
  }

  /** As {@linkcode Placement.avoidNode}. */
  avoidNode(name: string): void {
    this.#grant(this.#placement.avoidNode(name));
  }

  /** As {@linkcode Placement.preferNode}. */
  preferNode(name: string): void {
    this.#grant(this.#placement.preferNode(name));
  }

  /**
   * Takes room on a node, at once or when there is enough.
   *
   * @throws {SpawnError} `no-capacity` (only without `wait`), `unsatisfiable`, or `lost` if `signal` is
   * aborted.
   */
  async take(
    request: SpawnRequest<unknown>,
    { wait, signal, onWait }: SpawnWaiting,
  ): Promise<GrantedRoom> {
    const { resources } = request;
    if (signal?.aborted === true) throw notWanted(request);
    const waiter: Waiter = { granted: undefined };
    const ticket = wait
      ? this.#placement.request(waiter, resources)
      : this.#placement.tryRequest(waiter, resources);
    if (ticket === "no-capacity") {
      this.meter.answered(ticket);
      throw new SpawnError(
        "no-capacity",
        `${cannotSpawn(request)}: no node has ${amounts(resources)} free`,
      );
    }
    if (ticket === "unsatisfiable") {
      this.meter.answered(ticket);
      throw new SpawnError(
        "unsatisfiable",
        `${cannotSpawn(request)}: no node has ${amounts(resources)}, even when empty; ` +
          this.#sizes(),
      );
    }
    if (ticket.state === "waits") {
      onWait?.(() => this.#placement.why(ticket));
      await this.#wait(ticket, request, signal);
    } else {
      this.meter.answered("granted");
    }
    // Its node may have been lost since the grant: the caller sees that when it starts something there.
    return { node: ticket.nodeId, free: () => this.#free(ticket) };
  }

  /** Where a process of that size would go, if it were spawned now. */
  find(need: Readonly<Resources>): Answer {
    const found = this.#placement.probe(need);
    if (found === "no-capacity") {
      return {
        node: null,
        possible: true,
        message: `${amounts(need)} would have to wait: no node has that much free now`,
      };
    }
    if (found === "unsatisfiable") {
      return {
        node: null,
        possible: false,
        message: `no node has ${amounts(need)}; ${this.#sizes()}`,
      };
    }
    return {
      node: found.node,
      possible: true,
      message: `${amounts(need)} would go to ${found.node}`,
    };
  }

  /** What each known node has, and has given, by name. */
  usage(): Map<string, Omit<NodeUsage<unknown>, "node" | "reservedFor">> {
    return new Map(this.#placement.usage().map(({ node, ...usage }) => [node, usage]));
  }

  /** Why a process of that size waits for room, in one line. */
  whyWaits(need: Readonly<Resources>): string {
    const found = this.#placement.probe(need);
    if (found === "no-capacity") return `no node has ${amounts(need)} free`;
    if (found === "unsatisfiable") return `no node has ${amounts(need)}; ${this.#sizes()}`;
    return `${found.node} has ${amounts(need)} free, reserved for requests that have waited longer`;
  }

  #free(ticket: Ticket<Waiter>): void {
    const { nodeId } = ticket;
    this.#grant(this.#placement.release(ticket));
    if (nodeId !== undefined) this.#freed(nodeId);
  }

  #wait(
    ticket: Ticket<Waiter>,
    request: SpawnRequest<unknown>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const waited = this.meter.waits();
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        waited("cancelled");
        ticket.owner.granted = undefined;
        this.#grant(this.#placement.release(ticket));
        reject(notWanted(request));
      };
      ticket.owner.granted = () => {
        waited("granted");
        signal?.removeEventListener("abort", abort);
        resolve();
      };
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  #grant(granted: readonly Ticket<Waiter>[]): void {
    for (const ticket of granted) ticket.owner.granted?.();
  }

  /** The sizes of the largest nodes, for the message about a request that is too large. */
  #sizes(): string {
    const nodes = this.#placement.usage().map(({ capacity }) => capacity);
    if (nodes.length === 0) return "the cluster has no nodes";
    const mem = Math.max(...nodes.map((node) => node.mem));
    const cpu = Math.max(...nodes.map((node) => node.cpu));
    return `the largest has ${formatMem(mem)} and ${formatCpu(cpu)}`;
  }
}

/** What is asked for; memory or cores of 0 are left out. */
function amounts({ mem, cpu }: Readonly<Resources>): string {
  if (cpu === 0 && mem > 0) return formatMem(mem);
  if (mem === 0 && cpu > 0) return formatCpu(cpu);
  return `${formatMem(mem)} and ${formatCpu(cpu)}`;
}

function notWanted(request: SpawnRequest<unknown>): SpawnError {
  return new SpawnError("lost", `${cannotSpawn(request)}: the request was cancelled`);
}

function cannotSpawn(request: SpawnRequest<unknown>): string {
  return `Cannot spawn ${requestedProcess(request)}`;
}
