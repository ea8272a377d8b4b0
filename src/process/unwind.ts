/**
 * The same ends as in leave_will.ts, for a process that may not write a will: it has to stay alive until
 * everything is acknowledged, and the caller of `Deno.exit` is stopped by a thrown error.
 */

import type { Hold } from "../channel/hold.ts";
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
 * Replaces `Deno.exit` by a function that throws {@linkcode ExitSignal} and exits once `hub` is flushed,
 * and makes uncaught errors wait for the same.
 *
 * The signal itself is never reported. Code that catches everything sees it, and `finally` blocks run: this
 * is the cost of running without write permission.
 *
 * @param exit Deno's own `exit`.
 */
export function unwindInsteadOfExit(hub: Outgoing, hold: Hold, exit: typeof Deno.exit): void {
  let exiting = false;
  let crashed = false;

  Deno.exit = (code?: number): never => {
    if (!hub.dirty && !exiting) exit(code);
    const status = code ?? Deno.exitCode;
    if (!exiting) {
      exiting = true;
      hold.acquire(); // for good
      hub.flush(status).finally(() => exit(status));
    }
    throw new ExitSignal(status);
  };

  const onCrash = (event: ErrorEvent | PromiseRejectionEvent) => {
    const reason: unknown = "reason" in event ? event.reason : event.error;
    if (exiting) {
      // The process is ending already, with its code; a second reason would only hide the first.
      event.preventDefault();
      event.stopImmediatePropagation();
      if (!(reason instanceof ExitSignal)) console.error("Uncaught while exiting:", reason);
      return;
    }
    if (event.defaultPrevented || crashed || !hub.dirty) return;
    crashed = true;
    event.preventDefault();
    event.stopImmediatePropagation();
    hold.acquire(); // for the whole process: when it is thrown again, it ends the process
    hub.flush(1).finally(() => {
      if ("reason" in event) Promise.reject(reason);
      else reportError(reason);
    });
  };
  globalThis.addEventListener("error", onCrash);
  globalThis.addEventListener("unhandledrejection", onCrash);
}
