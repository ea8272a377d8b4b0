/**
 * The ends of a process that allow no waiting: `Deno.exit` and uncaught errors. What it has sent, and is not
 * acknowledged, it leaves in a file, its will, for its node to deliver. A process that cannot do that has to
 * stay alive until everything is acknowledged, and the caller of `Deno.exit` is stopped by a thrown error.
 */

import type { Hold } from "../channel/hold.ts";
import { messageOf } from "../core/errors.ts";
import { delay } from "../net/delay.ts";
import type { LastWill, Outgoing } from "./ending.ts";
import { MAX_WILL_BYTES } from "../wire/frame.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * Keeps a file at `path` up to date with the data that would be lost if the process ended now.
 *
 * The node reads the file once the process is gone. There is no file as long as there is nothing to leave.
 * All operations are synchronous, since the process can no longer wait.
 */
export class WillFile {
  readonly #path: string;
  #written = false;
  #abandoned = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** Whether this process may write a file there. */
  static isAllowed(path: string): boolean {
    return Deno.permissions.querySync({ name: "write", path }).state === "granted";
  }

  /**
   * Replaces the contents of the file by the parts of `will`; `undefined` removes the file.
   *
   * @throws {Error} If that fails, or it would be too large. The file is empty then, or there is none.
   */
  write(will: readonly Bytes[] | undefined): void {
    if (this.#abandoned) return;
    if (will === undefined) this.#remove();
    else this.#save(will);
  }

  /** Leaves no file, now or later: for when the node that would read it is gone. */
  abandon(): void {
    this.write(undefined);
    this.#abandoned = true;
  }

  #save(will: readonly Bytes[]): void {
    const size = will.reduce((sum, { length }) => sum + length, 0);
    // A file of another user is not written to: its owner could read the values.
    const options = this.#written ? { truncate: true } : { createNew: true, mode: 0o600 };
    using file = Deno.openSync(this.#path, { ...options, write: true });
    this.#written = true;
    try {
      if (size > MAX_WILL_BYTES) throw new RangeError(`it is larger than ${MAX_WILL_BYTES} bytes`);
      for (const part of will) {
        for (let rest = part; rest.length > 0;) rest = rest.subarray(file.writeSync(rest));
      }
    } catch (error) {
      // A part of a will is of no use; an empty file tells the node that something is lost.
      file.truncateSync(0);
      throw error;
    }
  }

  #remove(): void {
    if (!this.#written) return;
    Deno.removeSync(this.#path);
    this.#written = false;
  }
}

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
