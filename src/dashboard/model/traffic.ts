/** Who sends to whom, and how much. */

import type { Pid } from "../../core/pid.ts";
import type { ProcessSample } from "../../core/samples.ts";

/** What one process sends to another one. */
export interface Edge {
  readonly from: Pid;
  readonly to: Pid;
  /** In all. */
  readonly values: number;
  readonly bytes: number;
  readonly valuesPerSecond: number;
  readonly bytesPerSecond: number;
  /** The names of channels whose window is full. */
  readonly full: readonly string[];
}

export class Traffic {
  readonly #edges = new Map<string, Edge>();

  /** Takes a sample of a process; `seconds` is the time since the one before, `null` if there is none. */
  sampled({ pid, traffic }: ProcessSample, seconds: number | null): void {
    for (const { remote, values, bytes, full } of traffic) {
      const key = `${pid} ${remote}`;
      const before = this.#edges.get(key);
      const rate = (now: number, then = 0) =>
        seconds === null || seconds <= 0 ? 0 : Math.max(0, now - then) / seconds;
      this.#edges.set(key, {
        ...{ from: pid, to: remote, values, bytes, full },
        valuesPerSecond: rate(values, before?.values),
        bytesPerSecond: rate(bytes, before?.bytes),
      });
    }
  }

  /** A process has ended: it sends nothing more. */
  ended(pid: Pid): void {
    for (const [key, edge] of this.#edges) {
      if (edge.from !== pid) continue;
      this.#edges.set(key, { ...edge, valuesPerSecond: 0, bytesPerSecond: 0, full: [] });
    }
  }

  /** All, those that send the most first. */
  edges(): Edge[] {
    return [...this.#edges.values()].sort((one, other) =>
      other.bytesPerSecond - one.bytesPerSecond || other.bytes - one.bytes ||
      (one.from + one.to < other.from + other.to ? -1 : 1)
    );
  }
}
