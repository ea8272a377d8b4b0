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

/** Removes temporary files; the run on the cluster ends because the connection does. */
export function exitAtOnce(code: number, folder: string): never {
  try {
    Deno.removeSync(folder, { recursive: true });
  } catch {
    // A file is being written there: the system removes the folder later.
  }
  Deno.exit(code);
}
