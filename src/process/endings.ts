/** How other processes end, as the node tells it: the question is asked once, whoever waits for it. */

import { messageOf } from "../core/errors.ts";
import type { ExitStatus } from "../core/exit_status.ts";
import type { Pid } from "../core/pid.ts";
import type { NodeLink } from "./node_link.ts";

/** How a process ended; or that the program has no such process. */
export type EndOutcome = { value: ExitStatus } | { error: Error };

/** The end of one process, in the future or in the past. */
export class Ending {
  /** What the node has said; `undefined` until it has. */
  outcome: EndOutcome | undefined;
  readonly #waiters = new Set<() => void>();

  /** Calls `waiter` when there is an outcome; gives a way to give that up. */
  wait(waiter: () => void): () => void {
    this.#waiters.add(waiter);
    return () => void this.#waiters.delete(waiter);
  }

  settle(outcome: EndOutcome): void {
    this.outcome = outcome;
    for (const waiter of this.#waiters) waiter();
    this.#waiters.clear();
  }
}

/**
 * The ends that this process has asked for.
 *
 * Who gives up waiting leaves the question behind, and the next one that waits for the same process finds
 * it there: so there is at most one for each process that runs, at the node as here, and not one for each
 * call.
 */
export class Endings {
  readonly #link: NodeLink;
  readonly #asked = new Map<Pid, Ending>();

  constructor(link: NodeLink) {
    this.#link = link;
  }

  /** The end of `pid`. What has been answered is not kept: it is asked for again. */
  of(pid: Pid): Ending {
    const known = this.#asked.get(pid);
    if (known !== undefined) return known;
    const ending = new Ending();
    this.#asked.set(pid, ending);
    void this.#ask(pid).then((outcome) => {
      this.#asked.delete(pid);
      ending.settle(outcome);
    });
    return ending;
  }

  /** Resolves with how `pid` ended. @throws {Error} If the program has no such process. */
  status(pid: Pid): Promise<ExitStatus> {
    const ending = this.of(pid);
    return new Promise((resolve, reject) => {
      ending.wait(() => {
        const outcome = ending.outcome!;
        if ("value" in outcome) resolve(outcome.value);
        else reject(outcome.error);
      });
    });
  }

  async #ask(pid: Pid): Promise<EndOutcome> {
    try {
      const answer = await this.#link.ask({ type: "wait", pid });
      if (answer.type === "ended") return { value: answer.status };
      return { error: new Error(answer.message) };
    } catch (cause) {
      return { error: new Error(messageOf(cause), { cause }) };
    }
  }
}
