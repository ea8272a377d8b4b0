/** Tasks: functions that the processes of a pool know by name. */

/** What a task is told about the call that it runs for. */
export interface TaskContext {
  /** Is aborted when the caller's signal is, or its time is up. The task then has 1 s to end. */
  readonly signal: AbortSignal;
  /** 1 for the first time that this call is run; one more each time its process died under it. */
  readonly attempt: number;
}

/** A function that a pool can run. Made by {@linkcode task}. */
export interface Task<A, R> {
  /** The name that it is registered under. */
  readonly name: string;
  /** The function itself, for calling it without a pool. */
  readonly fn: (arg: A, context: TaskContext) => R | Promise<R>;
}

// deno-lint-ignore no-explicit-any -- tasks of all types; run() gives each its own back
const tasks = new Map<string, Task<any, unknown>>();

/**
 * Registers a function that pools can run, and returns it as a {@linkcode Task}.
 *
 * A function cannot be sent to another process, so its name is: `task` is called at module scope, before
 * `init()`, where each process of the program does it.
 *
 * @param name Unique in the program. In a library, by convention `package/function`.
 * @throws {TypeError} If `name` is not a non-empty string, or `fn` not a function.
 * @throws {Error} If a task of that name exists.
 *
 * @example
 * ```ts
 * import { task } from "deploy/pool";
 *
 * export const add = task("numbers/add", ({ a, b }: { a: number; b: number }) => a + b);
 * ```
 */
export function task<A, R>(
  name: string,
  fn: (arg: A, context: TaskContext) => R | Promise<R>,
): Task<A, R> {
  if (typeof name !== "string" || name === "") {
    throw new TypeError("Cannot register a task: its name is not a non-empty string");
  }
  if (typeof fn !== "function") {
    throw new TypeError(`Cannot register task ${JSON.stringify(name)}: fn is not a function`);
  }
  if (tasks.has(name)) {
    throw new Error(`Cannot register task ${JSON.stringify(name)}: a task of that name exists`);
  }
  const made: Task<A, R> = { name, fn };
  tasks.set(name, made);
  return made;
}

/** The task of that name in this process. */
// deno-lint-ignore no-explicit-any -- as above
export function taskNamed(name: string): Task<any, unknown> | undefined {
  return tasks.get(name);
}
