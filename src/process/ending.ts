/** The natural end of a process, once nothing is pending, with everything delivered first. */

import type { Hold } from "../channel/hold.ts";
import type { Hub } from "../channel/hub.ts";

/** The sent data of a process, as its end needs it. */
export type Outgoing = Pick<Hub, "dirty" | "flush" | "writeWill" | "fail">;

/**
 * Makes the natural end of the first process, when its event loop is empty, wait until everything that it
 * sent is acknowledged.
 *
 * `beforeunload` is dispatched whenever the loop is empty, and again after the work that a listener began.
 * Listeners of the user may do the same: while one prevents the end, nothing is flushed.
 *
 * @param lastBeforeEnd Called when the loop is empty, just before the process ends.
 */
export function flushAtNaturalEnd(hub: Outgoing, hold: Hold, lastBeforeEnd: () => void): void {
  let last = false;
  const onBeforeUnload = (event: Event) => {
    lastBeforeEnd();
    if (!hub.dirty) return;
    if (!last) {
      // Listeners are called in the order in which they were added. Become the last one, and let the event
      // be dispatched again.
      last = true;
      globalThis.removeEventListener("beforeunload", onBeforeUnload);
      globalThis.addEventListener("beforeunload", onBeforeUnload);
      event.preventDefault();
      return;
    }
    if (event.defaultPrevented) return;
    event.preventDefault();
    hold.acquire();
    hub.flush(Deno.exitCode).finally(() => hold.release());
  };
  globalThis.addEventListener("beforeunload", onBeforeUnload);
}

/**
 * Runs the function that a process was spawned for, and ends the process.
 *
 * If it returns, the process waits for pending operations and unacknowledged data, and exits with
 * `Deno.exitCode`. If it throws, the error becomes an unhandled rejection, which Deno prints as usual, and
 * the exit code is 1, even if a listener of the program handles the event.
 *
 * @param run The function, which is called with `arg` and nothing else.
 * @param exit Deno's own `exit`.
 */
export async function runToEnd(
  run: (arg: unknown) => unknown,
  arg: unknown,
  hub: Outgoing,
  hold: Hold,
  exit: typeof Deno.exit,
): Promise<void> {
  try {
    await callBare(run, arg);
  } catch (error) {
    hub.fail();
    endAfterRejection(error, hub, exit);
    throw error;
  }
  do {
    await hold.idle();
    // Code that waited for the last operation runs now, and may begin another one.
    await eventLoopTurn();
  } while (hold.count > 0);
  await hub.flush(Deno.exitCode);
  exit();
}

/**
 * Calls `run` with `arg`, and settles as what it returns.
 *
 * Its errors, thrown now or later, have no frames of the runtime in their traces: it is called with an
 * empty stack, as the reaction of a promise, and its waiter is behind a closure, through which V8 does not
 * follow promises.
 */
function callBare(run: (arg: unknown) => unknown, arg: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    // A value from a channel has no methods, so `arg` is never taken for a promise.
    void Promise.resolve(arg).then(run).then((value) => resolve(value), (error) => reject(error));
  });
}

/** Ends the process even if a listener prevents Deno from doing so, for `error`. */
function endAfterRejection(error: unknown, hub: Outgoing, exit: typeof Deno.exit): void {
  globalThis.addEventListener("unhandledrejection", (event) => {
    if (!Object.is(event.reason, error)) return;
    queueMicrotask(async () => {
      if (!event.defaultPrevented) return;
      const code = Deno.exitCode === 0 ? 1 : Deno.exitCode;
      await hub.flush(code);
      exit(code);
    });
  });
}

/** Resolves when the event loop has gone round. `setTimeout` would be slow to load. */
export function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => {
    AbortSignal.timeout(0).addEventListener("abort", () => resolve());
  });
}
