/** The ends of a process that allow no waiting: `Deno.exit` and uncaught errors. */

import { messageOf } from "../core/errors.ts";
import type { LastWill, Outgoing } from "./ending.ts";
import type { Unwinding } from "./unwind.ts";
import type { WillFile } from "./will_file.ts";

/**
 * Leaves unacknowledged data in `will` whenever the process ends without being able to wait.
 *
 * `Deno.exit` is replaced by a function that writes the will first: if that fails, because the disk is full,
 * the process unwinds instead. Deno dispatches `unload` inside every kind of exit, and `error` or
 * `unhandledrejection` for errors that are about to end the process. What listeners for `unload` send is in
 * the will, since it is written again after them. Of the listeners for errors, this is so for those that were
 * added before `init()`: they are called in the order in which they were added, and there is no way to be
 * last.
 *
 * @param exit Deno's own `exit`.
 */
export function leaveWill(
  hub: Outgoing,
  will: WillFile,
  unwinding: Unwinding,
  exit: typeof Deno.exit,
): LastWill {
  /** Writes the will; returns whether that succeeded. If not, the process may go on. */
  const write = (code: number): boolean => {
    try {
      will.write(hub.writeWill(code));
      return true;
    } catch {
      // The process unwinds, which needs no file. The one that was begun would be taken for a will.
      reopen();
      return false;
    }
  };
  /** The same where nothing else can be done. A process that loses values does not end with success. */
  const writeOrSay = () => {
    try {
      will.write(hub.writeWill(Deno.exitCode));
    } catch (error) {
      console.error(
        `deploy: Cannot store the values of this process that have not arrived; they are lost: ${
          messageOf(error)
        }`,
      );
      if (Deno.exitCode === 0) Deno.exitCode = 1;
    }
  };
  const reopen = () => {
    will.write(undefined);
    hub.resume();
  };
  const onCrash = (event: ErrorEvent | PromiseRejectionEvent) => {
    if (unwinding.exiting) return unwinding.crash(event);
    if (event.defaultPrevented) return;
    if (!write(1)) return unwinding.crash(event);
    // A later listener may still prevent the end, and a will is only for a process that has ended.
    queueMicrotask(() => {
      if (event.defaultPrevented) reopen();
    });
  };
  // A listener before others, since the next one may exit, and one after them, since they may send.
  let isWritten = false;
  const writeFirst = () => isWritten || writeOrSay();
  const writeLast = () => writeOrSay();
  const moveToEnd = () => {
    globalThis.removeEventListener("unload", writeLast);
    globalThis.addEventListener("unload", writeLast);
  };
  Deno.exit = (code?: number): never => {
    const status = code ?? Deno.exitCode;
    if (unwinding.exiting || !write(status)) return unwinding.exit(status);
    isWritten = true;
    moveToEnd();
    return exit(code);
  };
  globalThis.addEventListener("unload", writeFirst);
  globalThis.addEventListener("error", onCrash);
  globalThis.addEventListener("unhandledrejection", onCrash);
  return { moveToEnd, write: writeOrSay, reopen };
}
