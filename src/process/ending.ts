/** How a process ends by itself once nothing of it is pending, with everything delivered first. */

import type { Hold } from "../channel/hold.ts";
import type { Hub } from "../channel/hub.ts";

/** What a process has sent, as far as its end is concerned. */
export type Outgoing = Pick<Hub, "dirty" | "flush" | "writeWill" | "fail">;

/**
 * Makes the natural end of the first process, when its event loop has run dry, wait until everything
 * that it sent has been acknowledged.
 *
 * `beforeunload` is dispatched whenever the loop runs dry, and again after what a listener began. So
 * does a listener of the user's that has more to do: while one prevents the end, nothing is flushed.
 *
 * @param lastBeforeEnd Called while the loop is dry, just before the process ends.
 */
export function flushAtNaturalEnd(hub: Outgoing, hold: Hold, lastBeforeEnd: () => void): void {
  let last = false;
  const onBeforeUnload = (event: Event) => {
    lastBeforeEnd();
    if (!hub.dirty) return;
    if (!last) {
      // Listeners are called in the order in which they were added. Come last from now on, and let
      // the event be dispatched again.
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
 * It has returned: the process waits for what is pending and for what is not yet acknowledged, and
 * exits with `Deno.exitCode`. It has thrown: that becomes an unhandled rejection, which Deno prints as
 * it always does, and the exit code is 1, also if a listener of the program's handles the event.
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
    // What waited for the last operation runs now, and may begin another one.
    await eventLoopTurn();
  } while (hold.count > 0);
  await hub.flush(Deno.exitCode);
  exit();
}

/**
 * Calls `run` with `arg`, and settles as what it returns.
 *
 * What it throws, now or later, has nothing of the runtime in its trace: it is called with an empty stack,
 * as the reaction of a promise, and who waits for it is behind a closure, through which V8 does not
 * follow promises.
 */
function callBare(run: (arg: unknown) => unknown, arg: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    // What has crossed a channel has no methods, so that no `arg` is taken for a promise.
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

/** Resolves when the event loop has gone round. It is not `setTimeout`, which is slow to load. */
export function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => {
    AbortSignal.timeout(0).addEventListener("abort", () => resolve());
  });
}
