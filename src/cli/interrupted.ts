/** The interruption of `deploy` by the user. */

import { BuildError } from "../build/build_error.ts";
import { signalExitCode } from "../core/signals.ts";
import type { EndSignal } from "../terminal/end_signals.ts";

/** The reason for an abort: a signal from the user. */
export class Interrupted extends Error {
  readonly signal: EndSignal;

  constructor(signal: EndSignal) {
    super("interrupted");
    this.signal = signal;
  }

  /** The exit code of a `deploy` that has not started a run yet. */
  get code(): number {
    return signalExitCode(this.signal);
  }
}

/**
 * The exit code of a `deploy` that ended with that error, if the interruption is why. `stop` is aborted by it.
 *
 * @throws The error, if it is another one, which must not get lost because the user has sent a signal.
 */
export function codeOfInterruption(error: unknown, stop: AbortSignal): number {
  if (error instanceof Interrupted) return error.code;
  // Ctrl-C at a terminal also ends the deno that builds, and that may be noticed first.
  const isOfBuild = error instanceof BuildError;
  if (isOfBuild && stop.reason instanceof Interrupted) return stop.reason.code;
  throw error;
}

/** How long what still writes to the temporary files may take to end. It was told to with the first signal. */
const WRITING_MS = 1_000;

/** Removes temporary files, if there are any, and exits; the run on the cluster ends because the connection does. */
export function exitAtOnce(code: number, folder: string | undefined): never {
  if (folder !== undefined) {
    removePersistently(() => Deno.removeSync(folder, { recursive: true }), {
      now: () => performance.now(),
      pause: pauseBriefly,
    });
  }
  Deno.exit(code);
}

/**
 * Removes a folder to which the build may be writing, in other threads and processes, so that it is not empty by the
 * time that it is to be removed: then it is tried again for a second. What is left after that is removed by the next
 * deploy.
 */
export function removePersistently(
  remove: () => void,
  { now, pause }: { readonly now: () => number; readonly pause: () => void },
): void {
  for (const endMs = now() + WRITING_MS;; pause()) {
    try {
      return remove();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || now() >= endMs) return;
    }
  }
}

/** Lets others work for a few milliseconds. The event loop must not go on: the process is ending. */
function pauseBriefly(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
}
