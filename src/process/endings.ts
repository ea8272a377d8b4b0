/** How other processes end, according to the node: asked once for all waiters. */

import { messageOf } from "../core/errors.ts";
import { type EndStatus, type ExitStatus, ownStatus } from "../core/exit_status.ts";
import type { Pid } from "../core/pid.ts";
import { type NodeLink, QuestionGate } from "./node_link.ts";

/** The most ends that are asked for at a time: the node and the master remember each of them. */
const MAX_ASKED = 10_000;

/** The status of an ended process, or that the program has no such process. */
export type EndOutcome =
  | {
    value: ExitStatus;
    /** The same for its channels. */
    end: EndStatus;
  }
  | { error: Error };

/** The end of one process, in the future or in the past. */
export class Ending {
  /** The answer of the node; `undefined` until it comes. */
  outcome: EndOutcome | undefined;
  readonly #waiters = new Set<() => void>();

  /** Calls `waiter` when there is an outcome; returns a function that cancels this. */
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
 * The ends that this process waits for.
 *
 * A cancelled waiter leaves its request pending, and the next waiter for the same process uses it: so there
 * is at most one request per running process, here and at the node, and not one per call.
 */
export class Endings {
  readonly #link: NodeLink;
  readonly #asked = new Map<Pid, Ending>();
  readonly #gate = new QuestionGate(MAX_ASKED);

  constructor(link: NodeLink) {
    this.#link = link;
  }

  /** The end of `pid`. Answers are not kept: they are requested again. */
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

  /** Resolves with how `pid` ended, for its channels. @throws {Error} If the program has no such process. */
  status(pid: Pid): Promise<EndStatus> {
    const ending = this.of(pid);
    return new Promise((resolve, reject) => {
      ending.wait(() => {
        const outcome = ending.outcome!;
        if ("value" in outcome) resolve(outcome.end);
        else reject(outcome.error);
      });
    });
  }

  async #ask(pid: Pid): Promise<EndOutcome> {
    const turn = this.#gate.enter();
    if (turn !== undefined) await turn;
    try {
      const answer = await this.#link.ask({ type: "wait", pid });
      if (answer.type === "ended") return { value: ownStatus(answer.status), end: answer.status };
      return { error: new Error(answer.message) };
    } catch (cause) {
      return { error: new Error(messageOf(cause), { cause }) };
    } finally {
      this.#gate.leave();
    }
  }
}
