/**
 * The same ends as in leave_will.ts, for a process that cannot leave a will: it has to stay alive until
 * everything is acknowledged, and the caller of `Deno.exit` is stopped by a thrown error.
 */

import type { Hold } from "../channel/hold.ts";
import { delay } from "../net/delay.ts";
import type { Outgoing } from "./ending.ts";

/** Thrown by `Deno.exit` where a process cannot end at once. A program should not catch it. */
export class ExitSignal extends Error {
  readonly code: number;

  constructor(code: number) {
    super(
      `Deno.exit(${code}) was called, and the process ends once the values it sent are acknowledged`,
    );
    this.name = "ExitSignal";
    this.code = code;
  }
}

/**
 * The ends of a process that wait until `hub` is flushed.
 *
 * {@linkcode ExitSignal} itself is never reported. Code that catches everything sees it, and `finally`
 * blocks run: this is the cost of having no place for a will.
 */
export class Unwinding {
  readonly #hub: Outgoing;
  readonly #hold: Hold;
  readonly #exit: typeof Deno.exit;
  #exiting = false;
  #crashed = false;

  /** @param exit Deno's own `exit`. */
  constructor(hub: Outgoing, hold: Hold, exit: typeof Deno.exit) {
    this.#hub = hub;
    this.#hold = hold;
    this.#exit = exit;
  }

  /** Whether the process has begun to exit. */
  get exiting(): boolean {
    return this.#exiting;
  }

  /** Exits with `code` once the hub is flushed. Always throws {@linkcode ExitSignal}. */
  exit(code: number): never {
    if (!this.#exiting) {
      this.#exiting = true;
      this.#hold.acquire(); // for good
      // A turn of the loop later: an error that was thrown meanwhile is reported first.
      void this.#hub.flush(code).finally(() => delay(0)).finally(() => this.#exit(code));
    }
    throw new ExitSignal(code);
  }

  /** Makes an uncaught error wait until the hub is flushed. */
  crash(event: ErrorEvent | PromiseRejectionEvent): void {
    const reason: unknown = "reason" in event ? event.reason : event.error;
    if (this.#exiting) {
      // The process is ending already, with its code; a second reason would only hide the first.
      event.preventDefault();
      event.stopImmediatePropagation();
      if (!(reason instanceof ExitSignal)) console.error("Uncaught while exiting:", reason);
      return;
    }
    if (event.defaultPrevented || this.#crashed || !this.#hub.dirty) return;
    this.#crashed = true;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.#hold.acquire(); // for the whole process: when it is thrown again, it ends the process
    this.#hub.flush(1).finally(() => {
      if ("reason" in event) Promise.reject(reason);
      else reportError(reason);
    });
  }
}

/**
 * Replaces `Deno.exit` by a function that throws {@linkcode ExitSignal} and exits once `hub` is flushed,
 * and makes uncaught errors wait for the same.
 *
 * @param exit Deno's own `exit`.
 */
export function unwindInsteadOfExit(hub: Outgoing, hold: Hold, exit: typeof Deno.exit): void {
  const unwinding = new Unwinding(hub, hold, exit);
  Deno.exit = (code?: number): never => {
    if (!hub.dirty && !unwinding.exiting) exit(code);
    return unwinding.exit(code ?? Deno.exitCode);
  };
  const onCrash = (event: ErrorEvent | PromiseRejectionEvent) => unwinding.crash(event);
  globalThis.addEventListener("error", onCrash);
  globalThis.addEventListener("unhandledrejection", onCrash);
}
