/** The ends of a process that allow no waiting: `Deno.exit` and uncaught errors. */

import type { LastWill, Outgoing } from "./ending.ts";
import type { WillFile } from "./will_file.ts";

/**
 * Leaves unacknowledged data in `will` whenever the process ends without being able to wait.
 *
 * Deno dispatches `unload` inside every kind of exit, and `error` or `unhandledrejection` for errors that
 * are about to end the process. Listeners are called in the order in which they were added, and there is no
 * way to be last: values sent by a listener that the program adds after `init()` are not in the will,
 * except for `unload` at a natural end, which ending.ts handles with the result.
 */
export function leaveWill(hub: Outgoing, will: WillFile): LastWill {
  const write = () => will.write(hub.writeWill(Deno.exitCode));
  const onCrash = (event: ErrorEvent | PromiseRejectionEvent) => {
    if (event.defaultPrevented) return;
    will.write(hub.writeWill(1));
    // A later listener may still prevent the end, and a will is only for a process that has ended.
    queueMicrotask(() => {
      if (event.defaultPrevented) will.write(undefined);
    });
  };
  // A listener before others, since the next one may exit, and one after them, since they may send.
  const writeLast = () => write();
  globalThis.addEventListener("unload", write);
  globalThis.addEventListener("error", onCrash);
  globalThis.addEventListener("unhandledrejection", onCrash);
  return {
    moveToEnd(): void {
      globalThis.removeEventListener("unload", writeLast);
      globalThis.addEventListener("unload", writeLast);
    },
    write,
  };
}
