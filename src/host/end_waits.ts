/** Who waits for the ends of which processes. Who ends before that is forgotten. */

import type { EndStatus } from "../core/exit_status.ts";
import type { Pid } from "../core/pid.ts";

/** Functions that forget those who wait. */
export type Forgetting = Set<() => void>;

interface Waiter {
  readonly resolve: (status: EndStatus) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The waits of a run's processes on one node. Many may wait for the same process, which lives for hours, and end
 * before it. A promise keeps all that wait for it until it settles; so each process has one, and a list of waiters.
 */
export class EndWaits {
  readonly #ask: (pid: Pid) => Promise<EndStatus>;
  readonly #waits = new Map<Pid, Set<Waiter>>();

  /** @param ask How a process ended, once it has. It is called once for all who wait at a time. */
  constructor(ask: (pid: Pid) => Promise<EndStatus>) {
    this.#ask = ask;
  }

  /**
   * Resolves with how a process ended, or rejects as `ask` does.
   *
   * @param forgetting Gets a function for as long as that is pending. When it is called, this never settles, and nothing
   * of who waits is kept.
   */
  of(pid: Pid, forgetting: Forgetting): Promise<EndStatus> {
    const { promise, resolve, reject } = Promise.withResolvers<EndStatus>();
    const waiters = this.#waits.get(pid) ?? this.#begin(pid);
    const forget = (): void => {
      waiters.delete(waiter);
      forgetting.delete(forget);
    };
    const waiter = {
      resolve: (status: EndStatus) => {
        forget();
        resolve(status);
      },
      reject: (error: unknown) => {
        forget();
        reject(error);
      },
    };
    waiters.add(waiter);
    forgetting.add(forget);
    return promise;
  }

  #begin(pid: Pid): Set<Waiter> {
    const waiters = new Set<Waiter>();
    this.#waits.set(pid, waiters);
    // The answer is not kept.
    this.#ask(pid).then((status) => {
      this.#waits.delete(pid);
      for (const { resolve } of waiters) resolve(status);
    }, (error) => {
      this.#waits.delete(pid);
      for (const { reject } of waiters) reject(error);
    });
    return waiters;
  }
}
