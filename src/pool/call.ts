/** One call of a pool, from `run()` to its result. */

/** Where a call is: a process of the pool. */
export interface CallHolder {
  /** The calls that it has, in the order of their beginning. */
  readonly calls: ReadonlyMap<number, Call>;
  abort(call: Call, reason: unknown): void;
  kill(): Promise<void>;
}

/** A call. It is settled once; what comes for it afterwards is dropped. */
export interface Call {
  readonly id: number;
  readonly task: string;
  readonly arg: unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Whether it runs on the one process that it was made for. */
  readonly pinned: boolean;
  /** How often it was sent to a process. */
  attempt: number;
  /** Whether it counted as one that may be long when it was sent. */
  long: boolean;
  /** Where it is; `undefined` while it waits. */
  process: CallHolder | undefined;
  /** Whether the process was asked to give it back. */
  askedBack: boolean;
  settled: boolean;
  /** Removes what listens for its abort. */
  release: (() => void) | undefined;
}
