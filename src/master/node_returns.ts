/** Waits for a lost node to come back: only the same OS process knows what it had begun when it was lost. */

import type { Clock } from "../net/clock.ts";

/** The returns of one node. */
export class NodeReturns<Node> {
  readonly #clock: Clock;
  readonly #waitMs: number;
  #waiting: { readonly fabric: string; readonly settle: (node?: Node) => void } | undefined;
  #next: Promise<Node | undefined> | undefined;
  #closed = false;

  /** A node that is away for longer than `waitMs` is not waited for. */
  constructor(clock: Clock, waitMs: number) {
    this.#clock = clock;
    this.#waitMs = waitMs;
  }

  /**
   * The node, once it is there again; `undefined` if another fabric comes in its place, if none comes in time, or
   * if it is given up. All who wait at a time wait for the same fabric.
   */
  next(fabric: string): Promise<Node | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    return this.#next ??= new Promise((resolve) => {
      const cancel = this.#clock.after(this.#waitMs, () => this.giveUp());
      const settle = (node?: Node) => {
        cancel();
        this.#waiting = this.#next = undefined;
        resolve(node);
      };
      this.#waiting = { fabric, settle };
    });
  }

  /** A node is there, which is that fabric. */
  there(fabric: string, node: Node): void {
    this.#waiting?.settle(fabric === this.#waiting.fabric ? node : undefined);
  }

  /** It does not come back this time. */
  giveUp(): void {
    this.#waiting?.settle();
  }

  /** It is not waited for any more. */
  close(): void {
    this.#closed = true;
    this.giveUp();
  }
}
