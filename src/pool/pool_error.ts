/** Why a pool has no result for a call. */

import { type ExitStatus, type Pid, shortPid } from "../../mod.ts";

/**
 * A call has no result, for no fault that its task threw: its process ended under it, or the pool was
 * closed before it began.
 */
export class PoolError extends Error {
  /** The name of the task. */
  readonly task: string;
  /** How the process ended; `undefined` if the pool was closed. */
  readonly status?: ExitStatus;

  /** Made by pools; a program that imitates them, as in a test, can make one too. */
  constructor(
    task: string,
    message: string,
    options: ErrorOptions & { status?: ExitStatus } = {},
  ) {
    super(message, options);
    this.name = "PoolError";
    this.task = task;
    if (options.status !== undefined) this.status = options.status;
  }
}

/** The error of a call that the pool's end kept from beginning. */
export function closedError(task: string): PoolError {
  return new PoolError(task, `Cannot run task ${task}: the pool was closed`);
}

/** The error of a call whose process has ended. */
export function deathError(task: string, pid: Pid, status: ExitStatus, cause: unknown): PoolError {
  const how = Object.entries(status).map(([kind, value]) => `${kind}: ${value}`).join();
  const message = `Cannot finish task ${task}: its process ${shortPid(pid)} ended (${how})`;
  return new PoolError(task, message, { status, cause });
}
