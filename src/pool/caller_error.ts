/** The errors that a pool's callers get, with stacks that lead to their own lines. */

import { PoolError } from "./pool_error.ts";

/** What a task threw, on its way to the caller. */
export class Thrown {
  constructor(readonly value: unknown) {}
}

/**
 * The error that the caller of `operation` gets: the stack of what a task threw has the lines of the task,
 * and behind them those of the caller.
 */
// deno-lint-ignore no-explicit-any -- any function
export function errorAtCaller(error: unknown, operation: (...args: any[]) => unknown): unknown {
  if (error instanceof PoolError) {
    Error.captureStackTrace(error, operation);
    return error;
  }
  if (!(error instanceof Thrown)) return error;
  const { value } = error;
  if (value instanceof Error) {
    const here: { stack?: string } = {};
    Error.captureStackTrace(here, operation);
    const lines = here.stack?.split("\n").slice(1).join("\n");
    if (lines) value.stack = `${value.stack}\n${lines}`;
  }
  return value;
}
