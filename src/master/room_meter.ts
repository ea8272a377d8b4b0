/** What a master counts of the requests for room, for its operator. */

import { type Distribution, Histogram, type Metric } from "../core/metrics.ts";

/** How a request for room has ended. */
export type RoomOutcome = "granted" | "no-capacity" | "unsatisfiable" | "cancelled";

/** Counts requests for room, and measures how long they wait. */
export class RoomMeter {
  readonly #now: () => number;
  readonly #outcomes: Record<RoomOutcome, number> = {
    "granted": 0,
    "no-capacity": 0,
    "unsatisfiable": 0,
    "cancelled": 0,
  };
  readonly #waits = new Histogram();
  #waiting = 0;

  /** @param now A monotonic clock, in ms. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** A request is answered at once. */
  answered(outcome: RoomOutcome): void {
    this.#outcomes[outcome]++;
    if (outcome === "granted") this.#waits.observe(0);
  }

  /** A request begins to wait. To be called with how that ended. */
  waits(): (outcome: RoomOutcome) => void {
    const startMs = this.#now();
    this.#waiting++;
    return (outcome) => {
      this.#waiting--;
      this.#outcomes[outcome]++;
      if (outcome === "granted") this.#waits.observe((this.#now() - startMs) / 1_000);
    };
  }

  metrics(): (Metric | Distribution)[] {
    return [
      {
        ...{ name: "deploy_spawns_waiting", type: "gauge" },
        help: "Processes that wait for room on a node.",
        samples: [{ value: this.#waiting }],
      },
      {
        ...{ name: "deploy_spawn_requests_total", type: "counter" },
        help: "Requests for room for a process, by how they ended.",
        samples: Object.entries(this.#outcomes).map(([outcome, value]) => ({
          labels: { outcome },
          value,
        })),
      },
      {
        ...{ name: "deploy_spawn_wait_seconds", type: "histogram" },
        help: "How long processes have waited for room before they were placed.",
        of: this.#waits,
      },
    ];
  }
}
