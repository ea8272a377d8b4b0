/** The parts of the benchmark: rows, and the sides that are measured beside each other in one. */

/** The unit of a number. For rates, more is better. */
export type Unit = "ms" | "µs" | "MiB" | "kB" | "MB/s" | "thousands/s" | "ms/s";

/** One side of a row, measured repeatedly in turn with the others. */
export interface Side {
  readonly name: string;
  /** The unit of its numbers, if not the row's. */
  readonly unit?: Unit;
  /** Whether it is another system, to be compared with ours. @default false */
  readonly peer?: boolean;
  /** Measures once. */
  measure(): Promise<number>;
}

/** How a row is judged. */
export interface Goal {
  /**
   * The value compared with the two limits: the first side divided by the second, the first minus the
   * second, or the first alone.
   */
  readonly judges: "ratio" | "difference" | "value";
  readonly better: "less" | "more";
  readonly must: number;
  readonly stretch: number;
}

/** A started row. */
export interface OpenRow extends AsyncDisposable {
  /** Ours, then the baseline (unless the row has none), then peers. */
  readonly sides: readonly Side[];
}

/** One row of the benchmark. */
export interface Row {
  /** Its name for `--only`. */
  readonly name: string;
  /** What is measured. */
  readonly title: string;
  readonly unit: Unit;
  readonly goal?: Goal;
  /** How often each side is measured. */
  readonly rounds: number;
  /**
   * Starts what is measured.
   *
   * @throws {LeftOut} If it cannot be measured here.
   */
  open(): OpenRow | Promise<OpenRow>;
}

/** A row cannot be measured on this machine; the message says why. */
export class LeftOut extends Error {}
