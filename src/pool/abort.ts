/** Ends calls before they have a result: because of a signal or a time limit. */

import type { Call, CallHolder } from "./call.ts";
import type { RunOptions } from "./options.ts";

/** How long a task has to end once its call was aborted. */
const ABORT_GRACE_MS = 1_000;

/** Calls `abort` with the reason when the signal is aborted or the time is up, until `call` is settled. */
export function abortWhenTold(
  call: Call,
  { signal, timeoutMs }: RunOptions,
  abort: (reason: unknown) => void,
): void {
  if (signal === undefined && timeoutMs === undefined) return;
  const onSignal = () => abort(signal!.reason);
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => {
    const message = `Task ${call.task} has not ended after ${timeoutMs} ms`;
    abort(new DOMException(message, "TimeoutError"));
  }, timeoutMs);
  signal?.addEventListener("abort", onSignal);
  call.release = () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onSignal);
  };
}

/**
 * Kills the process if the aborted call still runs there after the grace. While the call has not begun,
 * it cannot be told apart from one that hangs, so the grace begins again.
 */
export function killAfterGrace(process: CallHolder, call: Call, concurrency: number): void {
  setTimeout(() => {
    const place = [...process.calls.keys()].indexOf(call.id);
    if (place < 0) return;
    if (place < concurrency) process.kill().catch(() => {}); // gone already
    else killAfterGrace(process, call, concurrency);
  }, ABORT_GRACE_MS);
}
