/** Ends calls before they have a result: because of a signal, a time limit, or a loop that was left. */

import type { Call, CallHolder } from "./call.ts";
import type { RunOptions } from "./options.ts";

/** How long a task has to end once its call was aborted. */
const ABORT_GRACE_MS = 1_000;

/**
 * Aborts `call` when its signal is aborted or its time is up, until it is settled.
 *
 * @param unwanted Aborts it, too, but without a deadline for its task.
 * @param abort Aborts it for a reason; with a deadline or without.
 */
export function abortWhenTold(
  call: Call,
  { signal, timeoutMs }: RunOptions,
  unwanted: AbortSignal | undefined,
  abort: (call: Call, reason: unknown, deadline: boolean) => void,
): void {
  if (signal === undefined && timeoutMs === undefined && unwanted === undefined) return;
  const onSignal = () => abort(call, signal!.reason, true);
  const onUnwanted = () => abort(call, unwanted!.reason, false);
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => {
    const message = `Task ${call.task} has not ended after ${timeoutMs} ms`;
    abort(call, new DOMException(message, "TimeoutError"), true);
  }, timeoutMs);
  signal?.addEventListener("abort", onSignal);
  unwanted?.addEventListener("abort", onUnwanted);
  call.release = () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onSignal);
    unwanted?.removeEventListener("abort", onUnwanted);
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
