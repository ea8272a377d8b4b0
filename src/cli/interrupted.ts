/** The interruption of `deploy` by the user. */

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

/** How long what still writes to the temporary files may take to end. It was told to with the first signal. */
const WRITING_MS = 1_000;

/** Removes temporary files, and exits; the run on the cluster ends because the connection does. */
export function exitAtOnce(code: number, folder: string): never {
  removePersistently(() => Deno.removeSync(folder, { recursive: true }), {
    now: () => performance.now(),
    pause: pauseBriefly,
  });
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
