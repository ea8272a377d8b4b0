/** Faults of a cluster's nodes, drawn from a seed. */

import { startTimer } from "../core/timer.ts";
import type { TestNode } from "./test_node.ts";

/** What can happen to a node: `kill` and then `restart`, or `freeze` and then `thaw`. */
export type FaultKind = "kill" | "freeze";

/** One fault. */
export interface Fault {
  /** How long after the end of the one before it begins, in milliseconds. */
  readonly afterMs: number;
  /** What happens to the node. */
  readonly kind: FaultKind;
  /** The index of its node. */
  readonly node: number;
  /** How long after its beginning the node is restarted or thawed, in milliseconds. */
  readonly forMs: number;
}

/** Which faults are drawn. */
export interface ChaosOptions {
  /** The same seed gives the same faults in the same order. @default a random one */
  readonly seed?: number;
  /** The kinds to draw from. @default both */
  readonly faults?: readonly FaultKind[];
  /** The nodes to draw from, by index. @default all but node 0, which takes no faults */
  readonly nodes?: readonly number[];
  /** The longest time between two faults, in milliseconds. @default 2,000 */
  readonly pauseMs?: number;
  /** The longest time that a fault lasts, in milliseconds. @default 2,000 */
  readonly downMs?: number;
}

/** {@linkcode ChaosOptions} with their defaults. */
export type ChaosSettings = Required<ChaosOptions>;

/**
 * Faults on the nodes of a cluster, one after the other, until it is stopped.
 * `TestCluster.chaos()` gives one.
 *
 * A test calls `stop()` at its end, after its assertions. If it fails before that, the chaos is disposed of
 * without having been stopped, and prints its seed and its faults, so that they can be repeated.
 */
export class Chaos implements AsyncDisposable {
  /** The seed that the faults are drawn from. */
  readonly seed: number;
  readonly #begun: Fault[] = [];
  readonly #over: Promise<void>;
  readonly #closed: () => void;
  /** Ends the pause that is under way. */
  #wake: () => void = () => {};
  #ending = false;
  /** Whether `stop()` has been called. */
  #stopped = false;

  /**
   * Use `TestCluster.chaos()` instead.
   *
   * @param closed Called when it has been stopped or disposed of.
   */
  constructor(settings: ChaosSettings, nodes: readonly TestNode[], closed: () => void) {
    this.seed = settings.seed;
    this.#closed = closed;
    this.#over = this.#run(faultsOf(settings), nodes);
    this.#over.catch(() => {}); // the error is for whoever stops it
  }

  /** The faults that have begun, in order. */
  get faults(): readonly Fault[] {
    return this.#begun;
  }

  /**
   * Ends the faults; resolves when the node that had the last one is restarted or thawed.
   *
   * @throws {Error} If a fault could not be made or ended: the node did not start again, say.
   */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#end();
  }

  /** Ends the faults as `stop()` does, and prints the seed to stderr if that was not called before. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#stopped && !this.#ending) console.error(this.#describe());
    await this.#end();
  }

  async #end(): Promise<void> {
    this.#ending = true;
    this.#wake();
    this.#closed();
    await this.#over;
  }

  async #run(faults: Iterable<Fault>, nodes: readonly TestNode[]): Promise<void> {
    for (const fault of faults) {
      await this.#pause(fault.afterMs);
      if (this.#ending) return;
      const node = nodes[fault.node]!;
      this.#begun.push(fault);
      await (fault.kind === "kill" ? node.kill() : node.freeze());
      await this.#pause(fault.forMs);
      await (fault.kind === "kill" ? node.restart() : node.thaw());
    }
  }

  /** Resolves after so many milliseconds, or when the end has come. */
  async #pause(ms: number): Promise<void> {
    if (this.#ending) return;
    await new Promise<void>((resolve) => {
      const cancel = startTimer(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }

  #describe(): string {
    const faults = this.#begun.map(({ kind, node, afterMs, forMs }) =>
      `  after ${afterMs} ms: ${kind} node ${node} for ${forMs} ms`
    );
    return [`deploy/testing: chaos with seed ${this.seed}, which was not stopped:`, ...faults]
      .join("\n");
  }
}

/** Seeds that are drawn are below this; of a seed that is given, the last 32 bits count. */
const MAX_SEED = 2 ** 32;

/**
 * Adds the defaults to the options.
 *
 * @param count How many nodes the cluster has.
 * @throws {RangeError} If they name a node that does not exist, or node 0, or leave nothing to draw from.
 */
export function resolveChaos(options: ChaosOptions, count: number): ChaosSettings {
  const {
    seed = Math.floor(Math.random() * MAX_SEED),
    faults = ["kill", "freeze"],
    nodes = Array.from({ length: count - 1 }, (_, index) => index + 1),
    pauseMs = 2_000,
    downMs = 2_000,
  } = options;
  if (!Number.isInteger(seed)) throw new RangeError(`Cannot use the seed ${seed}: not an integer`);
  if (faults.length === 0) throw new RangeError("Cannot make faults: there are none to draw from");
  if (nodes.length === 0) {
    throw new RangeError("Cannot make faults: there is no node for them; node 0 takes none");
  }
  for (const node of nodes) {
    if (Number.isInteger(node) && node > 0 && node < count) continue;
    throw new RangeError(`Cannot make faults on node ${node}: expected 1 to ${count - 1}`);
  }
  for (const [name, value] of Object.entries({ pauseMs, downMs })) {
    if (!(value >= 0)) throw new RangeError(`Cannot use ${name} ${value}: must be 0 or more`);
  }
  return { seed, faults, nodes, pauseMs, downMs };
}

/** The faults of a seed, without end. */
export function* faultsOf(settings: ChaosSettings): Generator<Fault, never> {
  const { seed, faults, nodes, pauseMs, downMs } = settings;
  const random = randomOf(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  for (;;) {
    yield {
      afterMs: below(pauseMs + 1),
      kind: faults[below(faults.length)]!,
      node: nodes[below(nodes.length)]!,
      forMs: below(downMs + 1),
    };
  }
}

/** Numbers from 0 to below 1, always the same ones for a seed: the generator "mulberry32". */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}
