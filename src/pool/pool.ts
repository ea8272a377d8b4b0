/** A set of processes that run calls. */

import { type ExitStatus, shortPid } from "../../mod.ts";
import type { Call, CallHolder } from "./call.ts";
import { mapCalls } from "./map.ts";
import { Came, type Result } from "./messages.ts";
import { type PoolOptions, resolveOptions, type RunOptions, type Settings } from "./options.ts";
import { PoolError } from "./pool_error.ts";
import { PoolProcess, type ProcessEvents } from "./pool_process.ts";
import { Queue } from "./queue.ts";
import {
  backOffMs,
  choose,
  growth,
  mayBeLong,
  type Pace,
  paceAfter,
  queueDepth,
  UNKNOWN_PACE,
} from "./schedule.ts";
import { type Task, taskNamed } from "./task.ts";

export type { PoolOptions, RunOptions };

/** How long a task has to end once its call was aborted. */
const ABORT_GRACE_MS = 1_000;

/**
 * A set of processes that run calls of {@linkcode task | tasks}.
 *
 * Calls begin in the order in which they were made. A process that ends fails only the calls that it had,
 * and is replaced. While a call is pending, this process does not end; an idle pool does not keep it
 * alive.
 *
 * So that a process need not wait for its next call, short calls (5 ms, by what earlier calls of the task
 * took) are sent to it ahead: at most 4 ms of work, and 256 calls. Nothing is sent behind a call that may be long,
 * and what is queued at one process is asked back when another one has nothing to do. A process that
 * computes without a break cannot answer that before it is done: a task whose calls were all short, and
 * of which one suddenly is long, delays what was already sent behind it.
 */
export class Pool implements AsyncDisposable {
  readonly #settings: Settings;
  readonly #waiting: Queue<Call> = new Queue();
  readonly #processes: PoolProcess[] = [];
  readonly #paces = new Map<string, Pace>();
  readonly #events: ProcessEvents = {
    onResult: (process, call, result) => this.#onResult(process, call, result),
    onUnsent: (_process, call, error) => {
      this.#settle(call, () => call.reject(error));
      this.#dispatch();
    },
    onDeath: (process, status, inOrder, cause) => this.#onDeath(process, status, inOrder, cause),
  };
  readonly #ending = new AbortController();
  readonly #startings = new Set<Promise<void>>();
  /** Deaths since a call last had a result. */
  #deaths = 0;
  #backOff: ReturnType<typeof setTimeout> | undefined;
  #shrinking: ReturnType<typeof setTimeout> | undefined;
  #lastId = 0;
  #calls = 0;
  #closed: Promise<void> | undefined;
  #onDrained: (() => void) | undefined;

  private constructor(settings: Settings) {
    this.#settings = settings;
  }

  /**
   * Starts a pool, and resolves when its processes have started: `size`, or `size.min`.
   *
   * @throws {TypeError} If an option does not exist.
   * @throws {RangeError} If an option is not a number in its range.
   * @throws {SpawnError} If a process cannot be started. Then none is left behind.
   */
  static async start(options: PoolOptions = {}): Promise<Pool> {
    const pool = new Pool(resolveOptions(options, navigator.hardwareConcurrency));
    const { min } = pool.#settings;
    const started = await Promise.allSettled(Array.from({ length: min }, () => pool.#add()));
    const failed = started.find(({ status }) => status === "rejected");
    if (failed !== undefined) {
      await pool.close();
      throw (failed as PromiseRejectedResult).reason;
    }
    return pool;
  }

  /** How many processes it has. */
  get size(): number {
    return this.#processes.length;
  }

  /** How many calls run. */
  get running(): number {
    const { concurrency } = this.#settings;
    return this.#processes.reduce((sum, { load }) => sum + Math.min(load, concurrency), 0);
  }

  /** How many calls have not begun, including those that were sent to a process ahead. */
  get waiting(): number {
    const { concurrency } = this.#settings;
    return this.#processes.reduce(
      (sum, { load }) => sum + Math.max(0, load - concurrency),
      this.#waiting.length,
    );
  }

  /**
   * Runs `task` with `arg` on one of the processes, and resolves with what it returns.
   *
   * `arg` and the result are anything that a channel carries. `arg` is copied when it is sent to a
   * process, not before: leave it as it is until the call is done.
   *
   * @throws What the task throws: its class, message and cause, and a stack that has the lines of the
   * task and behind them those of the caller.
   * @throws {PoolError} If the process ended under the call, and no `retries` are left; or the pool was
   * closed before it began.
   * @throws {TypeError} If `arg` or the result cannot be copied.
   * @throws The signal's reason, or a `DOMException` named `TimeoutError` after `timeoutMs`: at once.
   * The task's own signal is aborted. If the task has not ended 1 s later, its process is killed.
   */
  async run<A, R>(task: Task<A, R>, arg: A, options: RunOptions = {}): Promise<R> {
    try {
      return await this.#submit(task, arg, options) as R;
    } catch (error) {
      throw this.#atCaller(error, this.run);
    }
  }

  /**
   * Runs `task` for each argument, and yields the results: in order, or as they come with
   * `ordered: false`.
   *
   * Arguments are taken as fast as they can be used and no faster, so that neither arguments nor results
   * pile up, however many there are. Nothing is done before the first `next()`. The first error
   * ends the iteration, as does leaving the loop: no more arguments are taken, and calls that are under
   * way are aborted, but have no deadline. `signal` and `timeoutMs` are for each call.
   *
   * @throws As {@linkcode run}; and what `args` throws, behind the results of what it gave before.
   */
  map<A, R>(
    task: Task<A, R>,
    args: Iterable<A> | AsyncIterable<A>,
    options: RunOptions & { ordered?: boolean } = {},
  ): AsyncIterableIterator<R> {
    const { ordered = true, ...rest } = options;
    const stopping = new AbortController();
    return mapCalls<A, R>(args, ordered, {
      room: () => this.#room(task.name),
      call: (arg) => this.#submit(task, arg, rest, stopping.signal) as Promise<R>,
      failure: (error) => this.#atCaller(error, mapCalls),
      stop: () => stopping.abort(new DOMException("The iteration was ended", "AbortError")),
    });
  }

  /**
   * Runs one call on each process that the pool has or is starting now, as for setting it up. Resolves with the
   * results, or rejects with the first error. Processes that are started later do not run it.
   *
   * @throws As {@linkcode run}. Such a call is not run again.
   */
  async each<A, R>(task: Task<A, R>, arg: A): Promise<R[]> {
    try {
      this.#check(task);
      await Promise.allSettled(this.#startings);
      return await Promise.all(
        this.#processes.filter((process) => !process.endedIdle()).map((process) =>
          new Promise<unknown>((resolve, reject) => {
            const call = this.#call(task.name, arg, resolve, reject, true);
            call.long = true;
            process.give(call);
          })
        ),
      ) as R[];
    } catch (error) {
      throw this.#atCaller(error, this.each);
    }
  }

  /**
   * Closes the pool: calls that have begun finish, those that wait reject with a `PoolError`, and no more
   * are taken. Resolves when the processes have ended. Closing twice is closing once.
   */
  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  /** Closes the pool, as {@linkcode close} does. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    clearTimeout(this.#backOff);
    clearTimeout(this.#shrinking);
    this.#ending.abort(new Error("the pool was closed"));
    let call: Call | undefined;
    while ((call = this.#waiting.shift()) !== undefined) this.#rejectClosed(call);
    for (const process of this.#processes) this.#askBack(process, 0);
    await Promise.allSettled(this.#startings);
    if (this.#processes.some(({ load }) => load > 0)) {
      await new Promise<void>((resolve) => this.#onDrained = resolve);
    }
    await Promise.all(this.#processes.splice(0).map((process) => process.end()));
  }

  #check(task: Task<never, unknown>): void {
    if (taskNamed(task.name) !== task) {
      throw new TypeError("Cannot run a call: the first argument was not made by task()");
    }
    if (this.#closed !== undefined) {
      throw new PoolError(task.name, `Cannot run task ${task.name}: the pool was closed`);
    }
  }

  #call(
    task: string,
    arg: unknown,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
    pinned: boolean,
  ): Call {
    const id = ++this.#lastId;
    this.#calls++;
    return {
      id,
      task,
      arg,
      resolve,
      reject,
      pinned,
      attempt: 0,
      long: false,
      process: undefined,
      askedBack: false,
      settled: false,
      release: undefined,
    };
  }

  /** @param unwanted Aborts the call without a deadline for its task. */
  #submit(
    task: Task<never, unknown>,
    arg: unknown,
    { signal, timeoutMs }: RunOptions,
    unwanted?: AbortSignal,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#check(task);
      signal?.throwIfAborted();
      const call = this.#call(task.name, arg, resolve, reject, false);
      if (signal !== undefined || timeoutMs !== undefined || unwanted !== undefined) {
        this.#listen(call, signal, timeoutMs, unwanted);
      }
      this.#waiting.push(call);
      this.#dispatch();
    });
  }

  #listen(
    call: Call,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    unwanted: AbortSignal | undefined,
  ): void {
    const abort = () => this.#abort(call, signal!.reason, true);
    const drop = () => this.#abort(call, unwanted!.reason, false);
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => {
      const message = `Task ${call.task} has not ended after ${timeoutMs} ms`;
      this.#abort(call, new DOMException(message, "TimeoutError"), true);
    }, timeoutMs);
    signal?.addEventListener("abort", abort);
    unwanted?.addEventListener("abort", drop);
    call.release = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      unwanted?.removeEventListener("abort", drop);
    };
  }

  #abort(call: Call, reason: unknown, deadline: boolean): void {
    const { process } = call;
    if (process === undefined) {
      this.#waiting.remove(call);
    } else {
      process.abort(call, reason);
      if (deadline) this.#killLater(process, call);
    }
    this.#settle(call, () => call.reject(reason));
  }

  /** Kills the process if the call still runs there after the grace; one that has not begun does not. */
  #killLater(process: CallHolder, call: Call): void {
    setTimeout(() => {
      const place = [...process.calls.keys()].indexOf(call.id);
      if (place < 0) return;
      if (place < this.#settings.concurrency) process.kill().catch(() => {}); // gone already
      else this.#killLater(process, call);
    }, ABORT_GRACE_MS);
  }

  #settle(call: Call, how: () => void): void {
    if (call.settled) return;
    call.settled = true;
    this.#calls--;
    call.release?.();
    how();
  }

  #rejectClosed(call: Call): void {
    const error = new PoolError(call.task, `Cannot run task ${call.task}: the pool was closed`);
    this.#settle(call, () => call.reject(error));
  }

  #onResult(_process: PoolProcess, call: Call, [, came, value, ms]: Result): void {
    if (came === Came.givenBack) {
      call.attempt--;
      if (this.#closed !== undefined) this.#rejectClosed(call);
      else if (!call.settled) this.#waiting.unshift(call);
    } else {
      this.#deaths = 0;
      this.#paces.set(call.task, paceAfter(this.#paces.get(call.task) ?? UNKNOWN_PACE, ms));
      this.#settle(call, () => {
        if (came === Came.returned) call.resolve(value);
        else call.reject(new Thrown(value));
      });
    }
    this.#dispatch();
  }

  #onDeath(process: PoolProcess, status: ExitStatus, inOrder: boolean, cause: unknown): void {
    const index = this.#processes.indexOf(process);
    if (index >= 0) this.#processes.splice(index, 1);
    if (process.load > 0) this.#deaths++;
    const again: Call[] = [];
    let place = 0;
    for (const call of process.calls.values()) {
      call.process = undefined;
      // One that cannot have begun did not meet its process's end.
      const begun = place++ < this.#settings.concurrency || !inOrder;
      if (!begun) call.attempt--;
      const mayRun = !begun || call.attempt <= this.#settings.retries;
      if (call.settled) continue;
      if (this.#closed === undefined && !call.pinned && mayRun) again.push(call);
      else this.#settle(call, () => call.reject(deathError(call, process, status, cause)));
    }
    process.calls.clear();
    for (const call of again.reverse()) this.#waiting.unshift(call);
    this.#dispatch();
  }

  /** Gives waiting calls to processes with room, and sees that there are as many as are needed. */
  #dispatch(): void {
    if (this.#closed !== undefined) {
      if (this.#processes.every(({ load }) => load === 0)) this.#onDrained?.();
      return;
    }
    const { concurrency } = this.#settings;
    let call: Call | undefined;
    while ((call = this.#waiting.first) !== undefined) {
      const pace = this.#paces.get(call.task) ?? UNKNOWN_PACE;
      const process = choose(this.#processes, concurrency, queueDepth(pace));
      if (process === undefined) break;
      if (process.endedIdle()) {
        this.#processes.splice(this.#processes.indexOf(process), 1);
        continue;
      }
      this.#waiting.shift();
      call.long = mayBeLong(pace);
      process.give(call);
    }
    if (call === undefined && this.#processes.length > 1) this.#balance();
    this.#grow();
  }

  /** When nothing waits and a process has nothing to do, asks another one for half of what it has queued. */
  #balance(): void {
    if (!this.#processes.some(({ load }) => load === 0)) return;
    const most = this.#processes.reduce((a, b) => a.load >= b.load ? a : b);
    const queued = most.load - this.#settings.concurrency;
    if (queued > 0) this.#askBack(most, Math.floor(queued / 2));
  }

  /** Asks a process for the calls that it has queued, but for the first `left` of them. */
  #askBack(process: PoolProcess, left: number): void {
    let place = 0;
    for (const call of process.calls.values()) {
      if (place++ < this.#settings.concurrency + left || call.pinned || call.askedBack) continue;
      process.askBack(call);
    }
  }

  #grow(): void {
    const { min, max } = this.#settings;
    const there = this.#processes.length + this.#startings.size;
    if (there < max && this.#backOff === undefined) {
      const count = growth({
        waiting: this.#waiting.length,
        processes: this.#processes.length,
        starting: this.#startings.size,
        min,
        max,
      });
      const pause = count > 0 ? backOffMs(this.#deaths) : 0;
      if (pause > 0) {
        this.#backOff = setTimeout(() => {
          this.#backOff = undefined;
          this.#growBy(1);
        }, pause);
      } else {
        this.#growBy(count);
      }
    }
    if (this.#processes.length > min && this.#shrinking === undefined) this.#shrinkLater();
  }

  #growBy(count: number): void {
    for (let n = 0; n < count; n++) {
      this.#add().catch((error) => {
        // Others serve what waits. Without any, no process will come, and the calls have no result.
        if (this.#processes.length + this.#startings.size > 0) return;
        let call: Call | undefined;
        while ((call = this.#waiting.shift()) !== undefined) {
          const failed = call;
          this.#settle(failed, () => failed.reject(error));
        }
      });
    }
  }

  /** Starts one more process. */
  #add(): Promise<void> {
    const { concurrency, resources } = this.#settings;
    const start = PoolProcess.start(concurrency, resources, this.#ending.signal, this.#events);
    const starting = start.then((process) => {
      this.#processes.push(process);
    }).finally(() => this.#startings.delete(starting));
    this.#startings.add(starting);
    return starting.then(() => this.#dispatch());
  }

  /** Ends processes above the minimum once they have been idle for so long. */
  #shrinkLater(): void {
    const { min, idleMs } = this.#settings;
    const timer = setTimeout(() => {
      this.#shrinking = undefined;
      const now = performance.now();
      for (const process of [...this.#processes]) {
        if (this.#processes.length <= min) return;
        // A timer may fire a part of a millisecond early.
        if (process.load > 0 || now - process.idleSince < idleMs - 1) continue;
        this.#processes.splice(this.#processes.indexOf(process), 1);
        this.#end(process);
      }
      if (this.#processes.length > min) this.#shrinkLater();
    }, Math.max(idleMs, 1));
    Deno.unrefTimer(timer);
    this.#shrinking = timer;
  }

  /** Ends a process that is no longer the pool's; `close()` waits for it, too. */
  #end(process: PoolProcess): void {
    const ending = process.end().finally(() => this.#startings.delete(ending));
    this.#startings.add(ending);
  }

  /** How many calls a map may have under way: what the processes run and can have queued. */
  #room(task: string): number {
    const { concurrency, max } = this.#settings;
    const depth = queueDepth(this.#paces.get(task) ?? UNKNOWN_PACE);
    return max * (concurrency + depth) + 1;
  }

  /** The error that a caller gets, with a stack that leads to its line. */
  // deno-lint-ignore no-explicit-any -- any function
  #atCaller(error: unknown, operation: (...args: any[]) => unknown): unknown {
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
}

/** What a task threw, on its way to the caller. */
class Thrown {
  constructor(readonly value: unknown) {}
}

function deathError(
  { task }: Call,
  { pid }: PoolProcess,
  status: ExitStatus,
  cause: unknown,
): PoolError {
  const how = Object.entries(status).map(([kind, value]) => `${kind}: ${value}`).join();
  const message = `Cannot finish task ${task}: its process ${shortPid(pid)} ended (${how})`;
  return new PoolError(task, message, { status, cause });
}
