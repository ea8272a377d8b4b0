/** What the benchmark is made of: rows, and the sides that are measured beside each other in one. */

/** What a number counts. Of `/s`, more is better. */
export type Unit = "ms" | "µs" | "MiB" | "kB" | "MB/s" | "thousands/s" | "ms/s";

/** One thing that is measured, again and again, in turn with the others of its row. */
export interface Side {
  readonly name: string;
  /** What its numbers count, if not what the row's do. */
  readonly unit?: Unit;
  /** Whether it is what others do, and to be compared with ours. @default false */
  readonly peer?: boolean;
  /** Measures once. */
  measure(): Promise<number>;
}

/** How what is measured is judged. */
export interface Goal {
  /**
   * What is compared with the two limits: the first side divided by the second, the first less the
   * second, or the first alone.
   */
  readonly judges: "ratio" | "difference" | "value";
  readonly better: "less" | "more";
  readonly must: number;
  readonly stretch: number;
}

/** Everything of a row that runs. */
export interface OpenRow extends AsyncDisposable {
  /** Ours, then the baseline (unless the row has none), then peers. */
  readonly sides: readonly Side[];
}

/** One row of the benchmark. */
export interface Row {
  /** What `--only` calls it. */
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
