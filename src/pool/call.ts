/** One call of a pool, from `run()` to its result. */

import { Span, SpanKind } from "../core/tracing.ts";
import { Thrown } from "./caller_error.ts";

/** Where a call is: a process of the pool. */
export interface CallHolder {
  /** The calls that it has, in the order of their beginning. */
  readonly calls: ReadonlyMap<number, Call>;
  abort(call: Call, reason: unknown): void;
  kill(): Promise<void>;
}

/** A call. It is settled once; what comes for it afterwards is dropped. */
export class Call {
  readonly id: number;
  readonly task: string;
  readonly arg: unknown;
  /** Whether it runs on the one process that it was made for. */
  readonly pinned: boolean;
  /** How often it was sent to a process. */
  attempt = 0;
  /** Whether it counted as one that may be long when it was sent. */
  long = false;
  /** Where it is; `undefined` while it waits. */
  process: CallHolder | undefined;
  /** Whether the process was asked to give it back. */
  askedBack = false;
  /** Its span, from when it was made until it is settled; `undefined` where nothing is traced. */
  readonly span: Span | undefined;
  /** Removes what listens for its abort. */
  release: (() => void) | undefined;
  /** The calls of the same map that are not settled. */
  readonly #group: Set<Call> | undefined;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: unknown) => void;
  #settled = false;

  constructor(
    id: number,
    task: string,
    arg: unknown,
    pinned: boolean,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
    group?: Set<Call>,
  ) {
    this.id = id;
    this.task = task;
    this.arg = arg;
    this.pinned = pinned;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#group = group;
    group?.add(this);
    this.span = Span.begin(`call ${task}`, { kind: SpanKind.client, attributes: {} });
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** It has a result. */
  resolve(value: unknown): void {
    if (!this.#settle()) return;
    this.span?.end();
    this.#resolve(value);
  }

  /** It has none, and why. */
  reject(error: unknown): void {
    if (!this.#settle()) return;
    this.span?.fail(error instanceof Thrown ? error.value : error);
    this.#reject(error);
  }

  /** Whether it was not settled before. */
  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#group?.delete(this);
    this.release?.();
    return true;
  }
}
