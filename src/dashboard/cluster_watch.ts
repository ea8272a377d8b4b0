/** Looks at the nodes and runs of a cluster, once a second, while pages are open, and tells them of changes. */

import { messageOf } from "../core/errors.ts";
import type { StartTimer } from "../core/timer.ts";
import type { ServerToPage } from "./messages.ts";
import type { Watched } from "./watched.ts";

const LOOK_MS = 1_000;

/** Pages get the latest of so many runs. */
const MAX_RUNS = 1_000;

/** Who is told. */
export interface ClusterViewer {
  tell(message: ServerToPage): void;
}

export class ClusterWatch {
  readonly #watched: Watched;
  readonly #startTimer: StartTimer;
  readonly #viewers = new Set<ClusterViewer>();
  #last: ServerToPage | undefined;
  #lastText = "";
  #problem: string | null = null;
  #looking = false;
  #cancel: () => void = () => {};

  constructor(watched: Watched, startTimer: StartTimer) {
    this.#watched = watched;
    this.#startTimer = startTimer;
  }

  /** Tells it what is known, and of changes from now on. */
  add(viewer: ClusterViewer): void {
    this.#viewers.add(viewer);
    if (this.#last !== undefined) viewer.tell(this.#last);
    if (this.#problem !== null) viewer.tell({ type: "problem", text: this.#problem });
    void this.#look();
  }

  remove(viewer: ClusterViewer): void {
    this.#viewers.delete(viewer);
    if (this.#viewers.size === 0) this.close();
  }

  /** Looks no more until somebody is added. */
  close(): void {
    this.#cancel();
    this.#viewers.clear();
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    this.#cancel();
    let problem: string | null = null;
    try {
      const [runs, nodes] = await Promise.all([this.#watched.runs(), this.#watched.nodes()]);
      const latest = runs.toReversed().slice(0, MAX_RUNS);
      const message = { type: "cluster" as const, runs: latest, nodes: [...nodes] };
      const text = JSON.stringify(message);
      this.#last = message;
      if (text !== this.#lastText) this.#tell(message);
      this.#lastText = text;
    } catch (error) {
      problem = messageOf(error);
    }
    if (problem !== null || this.#problem !== null) this.#tell({ type: "problem", text: problem });
    this.#problem = problem;
    this.#looking = false;
    if (this.#viewers.size > 0) this.#cancel = this.#startTimer(LOOK_MS, () => void this.#look());
  }

  #tell(message: ServerToPage): void {
    for (const viewer of this.#viewers) viewer.tell(message);
  }
}
