/** The ends of a process that cannot be waited in: `Deno.exit` and uncaught errors. */

import type { Outgoing } from "./ending.ts";
import type { WillFile } from "./will_file.ts";

/**
 * Leaves what is not yet acknowledged in `will`, whenever the process ends without being able to wait.
 *
 * Deno dispatches `unload` inside every kind of exit, and `error` or `unhandledrejection` for what is
 * about to end the process. Listeners are called in the order in which they were added, and there is
 * no way to come last: what a listener that the program adds after `init()` sends there is not in the
 * will, except that `unload` at a natural end is seen to by ending.ts, which calls the result.
 *
 * @returns A function that makes this the last of the `unload` listeners there are now.
 */
export function leaveWill(hub: Outgoing, will: WillFile): () => void {
  const onUnload = () => will.write(hub.writeWill(Deno.exitCode));
  const onCrash = (event: ErrorEvent | PromiseRejectionEvent) => {
    if (event.defaultPrevented) return;
    will.write(hub.writeWill(1));
    // A listener that comes after this one may still prevent the end, and a will is for the dead.
    queueMicrotask(() => {
      if (event.defaultPrevented) will.write(undefined);
    });
  };
  globalThis.addEventListener("unload", onUnload);
  globalThis.addEventListener("error", onCrash);
  globalThis.addEventListener("unhandledrejection", onCrash);
  return () => {
    globalThis.removeEventListener("unload", onUnload);
    globalThis.addEventListener("unload", onUnload);
  };
}
