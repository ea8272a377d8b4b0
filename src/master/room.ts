/** The room of a cluster: gives places to those who ask, and lets them wait for it. */

import { SpawnError } from "../core/errors.ts";
import { formatMem, type Resources } from "../core/resources.ts";
import type { SpawnRequest, SpawnWaiting } from "../core/roles.ts";
import { type Grant, Placement } from "./placement.ts";

/** Room for one process on the node of that name. */
export interface GrantedRoom {
  readonly node: string;
  /** Gives it back. More than once is as good as once, and so is after the node was lost. */
  free(): void;
}

interface Waiter {
  grant(node: string): void;
}

/** Where a process would go now: the node, or why to none; and that in one line. */
export interface Answer {
  readonly node: string | null;
  readonly message: string;
}

/** What all runs of a cluster share. Decisions are {@linkcode Placement}'s. */
export class Room {
  readonly #placement = new Placement();
  readonly #waiters = new Map<string, Waiter>();
  #requests = 0;

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
    this.#placement.loseNode(name);
  }

  /** As {@linkcode Placement.removeNode}. */
  removeNode(name: string): void {
    this.#placement.removeNode(name);
  }

  /**
   * Takes room on a node, at once or when there is some.
   *
   * @throws {SpawnError} `no-capacity` (only without `wait`), `unsatisfiable`, or `lost` if `signal` is
   * aborted.
   */
  async take(request: SpawnRequest, { wait, signal }: SpawnWaiting): Promise<GrantedRoom> {
    const key = String(this.#requests++);
    const { resources } = request;
    if (signal?.aborted === true) throw notWanted(request);
    const outcome = wait
      ? this.#placement.request(key, resources)
      : this.#placement.tryRequest(key, resources);
    switch (outcome.state) {
      case "granted":
        return this.#granted(key, outcome.node);
      case "waiting":
        return this.#granted(key, await this.#wait(key, request, signal));
      case "no-capacity":
        throw new SpawnError(
          "no-capacity",
          `${cannotSpawn(request)}: no node has ${amounts(resources)} free`,
        );
      case "unsatisfiable":
        throw new SpawnError(
          "unsatisfiable",
          `${cannotSpawn(request)}: no node has ${amounts(resources)}, even when empty; ` +
            this.#sizes(),
        );
    }
  }

  /** Where a process of that size would go, if it were spawned now. */
  find(need: Readonly<Resources>): Answer {
    const key = String(this.#requests++);
    const outcome = this.#placement.tryRequest(key, need);
    switch (outcome.state) {
      case "granted":
        this.#grant(this.#placement.release(key));
        return { node: outcome.node, message: `${amounts(need)} would go to ${outcome.node}` };
      case "no-capacity":
        return { node: null, message: `${amounts(need)} would wait: no node has that free now` };
      case "unsatisfiable":
        return { node: null, message: `no node has ${amounts(need)}; ${this.#sizes()}` };
    }
  }

  #granted(key: string, node: string): GrantedRoom {
    return { node, free: () => this.#grant(this.#placement.release(key)) };
  }

  #wait(key: string, request: SpawnRequest, signal: AbortSignal | undefined): Promise<string> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#waiters.delete(key);
        this.#grant(this.#placement.release(key));
        reject(notWanted(request));
      };
      const grant = (node: string): void => {
        signal?.removeEventListener("abort", abort);
        resolve(node);
      };
      this.#waiters.set(key, { grant });
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  #grant(grants: readonly Grant[]): void {
    for (const { key, node } of grants) {
      this.#waiters.get(key)?.grant(node);
      this.#waiters.delete(key);
    }
  }

  /** What the largest nodes are, for whoever asked for too much. */
  #sizes(): string {
    const nodes = this.#placement.usage().map(({ capacity }) => capacity);
    if (nodes.length === 0) return "there is no node";
    const mem = Math.max(...nodes.map((node) => node.mem));
    const cpu = Math.max(...nodes.map((node) => node.cpu));
    return `the most that one has is ${formatMem(mem)} and ${cores(cpu)}`;
  }
}

function amounts({ mem, cpu }: Readonly<Resources>): string {
  return `${formatMem(mem)} and ${cores(cpu)}`;
}

function cores(cpu: number): string {
  return cpu === 1 ? "1 core" : `${Number(cpu.toPrecision(4))} cores`;
}

function notWanted(request: SpawnRequest): SpawnError {
  return new SpawnError("lost", `${cannotSpawn(request)}: nobody waits for it any more`);
}

function cannotSpawn({ name }: SpawnRequest): string {
  return `Cannot spawn ${name === null ? "the first process" : `${name}()`}`;
}
