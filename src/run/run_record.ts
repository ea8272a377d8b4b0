/** What is known of a run: which of its processes are alive, and how it ended. */

import type { OutputFd, RunEvent } from "../core/events.ts";
import { type ExitStatus, runExitCode, success } from "../core/exit_status.ts";
import type { Pid } from "../core/pid.ts";

/**
 * The books of one run, kept from its events.
 *
 * It checks that the events come in the order that {@linkcode RunEvent} promises. Processes that have
 * ended are forgotten, so that a long run takes no more memory than a short one; hence it does not
 * check that the parent of a new process was ever there.
 */
export class RunRecord {
  #first: Pid | undefined;
  #firstStatus: ExitStatus | undefined;
  #othersSucceeded = true;
  /** For each process that is alive, the streams that have not ended. */
  readonly #alive = new Map<Pid, Set<OutputFd>>();

  /** The first process, once it has been spawned. */
  get first(): Pid | undefined {
    return this.#first;
  }

  /** The processes that are alive, in the order in which they were spawned. */
  alive(): Pid[] {
    return [...this.#alive.keys()];
  }

  /** Whether `pid` is alive. */
  isAlive(pid: Pid): boolean {
    return this.#alive.has(pid);
  }

  /**
   * Whether the last process has ended. A spawn that was under way at that moment is not known here:
   * when its process comes, the run is not over any more.
   */
  get over(): boolean {
    return this.#first !== undefined && this.#alive.size === 0;
  }

  /** The exit code of the run, once it is over. */
  get exitCode(): number | undefined {
    if (!this.over || this.#firstStatus === undefined) return undefined;
    return runExitCode(this.#firstStatus, this.#othersSucceeded);
  }

  /**
   * Takes the next event of the run.
   *
   * @throws {Error} If it cannot come now. That is a bug in whatever reports the events; nothing of the
   * event has been taken then.
   */
  add(event: RunEvent): void {
    if (event.event === "spawn") return this.#spawn(event.parent, event.pid);
    if (event.event === "noticed" || event.event === "said") return;
    const open = this.#alive.get(event.pid);
    if (open === undefined) throw outOfOrder(event, "is not alive");
    switch (event.event) {
      case "output":
        if (!open.has(event.fd)) throw outOfOrder(event, `has ended its stream ${event.fd}`);
        return;
      case "eof":
        if (!open.delete(event.fd)) throw outOfOrder(event, `has ended its stream ${event.fd}`);
        return;
      case "exit":
        if (open.size > 0) throw outOfOrder(event, `has not ended its stream ${[...open][0]}`);
        this.#alive.delete(event.pid);
        if (event.pid === this.#first) this.#firstStatus = event.status;
        else this.#othersSucceeded &&= success(event.status);
    }
  }

  #spawn(parent: Pid | null, pid: Pid): void {
    const event = { event: "spawn", pid } as const;
    if (this.#alive.has(pid)) throw outOfOrder(event, "is alive");
    if (parent === pid) throw outOfOrder(event, "cannot be its own parent");
    if (parent === null && this.#first !== undefined) {
      throw outOfOrder(event, `cannot be the first process, which is ${this.#first}`);
    }
    if (parent !== null && this.#first === undefined) {
      throw outOfOrder(event, "has a parent, and the first process of a run has none");
    }
    if (parent === null) this.#first = pid;
    this.#alive.set(pid, new Set([1, 2]));
  }
}

function outOfOrder(event: { event: RunEvent["event"]; pid: Pid }, why: string): Error {
  return new Error(`Cannot take "${event.event}" of process ${event.pid}: it ${why}`);
}
