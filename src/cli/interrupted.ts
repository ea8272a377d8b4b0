/** What becomes of `deploy` when the user has had enough. */

import { signalExitCode } from "../core/signals.ts";
import type { EndSignal } from "../terminal/end_signals.ts";

/** Why something is not gone on with: a signal of the user's. */
export class Interrupted extends Error {
  readonly signal: EndSignal;

  constructor(signal: EndSignal) {
    super("interrupted");
    this.signal = signal;
  }

  /** The exit code of a `deploy` that has begun nothing yet. */
  get code(): number {
    return signalExitCode(this.signal);
  }
}

/** Leaves nothing behind here; what runs elsewhere ends because the connection does. */
export function exitAtOnce(code: number, folder: string): never {
  try {
    Deno.removeSync(folder, { recursive: true });
  } catch {
    // Something is being written there: then the folder is the system's to remove.
  }
  Deno.exit(code);
}
