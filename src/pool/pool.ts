/** A set of processes that run calls. */

import type { ExitStatus } from "../../mod.ts";
import { abortWhenTold, killAfterGrace } from "./abort.ts";
import { Call } from "./call.ts";
import { errorAtCaller, Thrown } from "./caller_error.ts";
import { Fleet } from "./fleet.ts";
import { mapCalls } from "./map.ts";
import { Came, type Result } from "./messages.ts";
import {
  checkRunOptions,
  NO_OPTIONS,
  type PoolOptions,
  resolveOptions,
  type RunOptions,
  type Settings,
} from "./options.ts";
import { closedError, deathError } from "./pool_error.ts";
import type { PoolProcess } from "./pool_process.ts";
import { Queue } from "./queue.ts";
import { choose, mayBeLong, type Pace, paceAfter, queueDepth, UNKNOWN_PACE } from "./schedule.ts";
import { type Task, taskNamed } from "./task.ts";

export type { PoolOptions, RunOptions };

/**
 * A set of processes that run calls of {@linkcode task | tasks}.
 *
 * Calls begin in the order in which they were made. A process that ends fails only the calls that it had,
 * and is replaced. While a call is pending, this process does not end; an idle pool does not keep it
 * alive.
 *
 * So that a process need not wait for its next call, short calls (5 ms, by what earlier calls of the task
 * took) are sent to it ahead: at most 1 ms of work, and 256 calls, but always one. Nothing is sent behind a call that may
 * be long, and what is queued at one process is asked back when another one has nothing to do. A
 * process that computes answers that after its call: where one of a task's calls, all of them short until
 * then, suddenly computes long, it delays what was already sent behind it, but only that one call does.
 */
export class Pool implements AsyncDisposable {
  readonly #settings: Settings;
  /** Calls that are at no process, in the order in which they are to begin. */
  readonly #waiting: Queue<Call> = new Queue();
  readonly #fleet: Fleet;
  readonly #paces = new Map<string, Pace>();
  #lastId = 0;
  #closed: Promise<void> | undefined;
  #onDrained: (() => void) | undefined;

  private constructor(settings: Settings) {
    this.#settings = settings;
    this.#fleet = new Fleet(settings, {
      onResult: (call, result) => this.#onResult(call, result),
      onUnsent: (call, error) => {
        call.reject(error);
        this.#dispatch();
      },
      onDeath: (process, status, inOrder, cause) => this.#onDeath(process, status, inOrder, cause),
      onRoom: () => this.#dispatch(),
      onNone: (error) => {
        // No process will come for them.
        let call: Call | undefined;
        while ((call = this.#waiting.shift()) !== undefined) call.reject(error);
      },
    });
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
    try {
      await pool.#fleet.start();
    } catch (error) {
      await pool.close();
      throw error;
    }
    return pool;
  }

  /** How many processes it has. */
  get size(): number {
    return this.#fleet.processes.length;
  }

  /** How many calls run. */
  get running(): number {
    const { concurrency } = this.#settings;
    return this.#fleet.processes.reduce((sum, { load }) => sum + Math.min(load, concurrency), 0);
  }

  /** How many calls have not begun, including those that were sent to a process ahead. */
  get waiting(): number {
    const { concurrency } = this.#settings;
    return this.#fleet.processes.reduce(
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
  async run<A, R>(task: Task<A, R>, arg: A, options: RunOptions = NO_OPTIONS): Promise<R> {
    try {
      return await this.#submit(task, arg, options) as R;
    } catch (error) {
      throw errorAtCaller(error, this.run);
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
    const underWay = new Set<Call>();
    return mapCalls<A, R>(args, ordered, {
      room: () => this.#room(task.name),
      call: (arg) => this.#submit(task, arg, rest, underWay) as Promise<R>,
      failure: (error) => errorAtCaller(error, mapCalls),
      stop: () => {
        const reason = new DOMException("The iteration was ended", "AbortError");
        for (const call of underWay) this.#abort(call, reason, false);
      },
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
      await this.#fleet.started();
      const processes = this.#fleet.processes.filter((process) => !process.endedIdle());
      return await Promise.all(
        processes.map((process) =>
          new Promise<unknown>((resolve, reject) => {
            const call = new Call(++this.#lastId, task.name, arg, true, resolve, reject);
            call.long = true;
            process.give(call);
          })
        ),
      ) as R[];
    } catch (error) {
      throw errorAtCaller(error, this.each);
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
    let call: Call | undefined;
    while ((call = this.#waiting.shift()) !== undefined) call.reject(closedError(call.task));
    for (const process of this.#fleet.processes) this.#askBack(process, 0);
    await this.#fleet.stopStarting();
    if (this.#fleet.processes.some(({ load }) => load > 0)) {
      await new Promise<void>((resolve) => this.#onDrained = resolve);
    }
    await this.#fleet.end();
  }

  #check(task: Task<never, unknown>): void {
    if (taskNamed(task.name) !== task) {
      throw new TypeError("Cannot run a call: the first argument was not made by task()");
    }
    if (this.#closed !== undefined) throw closedError(task.name);
  }

  /** @param group Has the call as long as it is not settled. */
  #submit(
    task: Task<never, unknown>,
    arg: unknown,
    options: RunOptions,
    group?: Set<Call>,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#check(task);
      checkRunOptions(options);
      options.signal?.throwIfAborted();
      const call = new Call(++this.#lastId, task.name, arg, false, resolve, reject, group);
      abortWhenTold(call, options, (reason) => this.#abort(call, reason, true));
      this.#waiting.push(call);
      this.#dispatch();
    });
  }

  #abort(call: Call, reason: unknown, deadline: boolean): void {
    const { process } = call;
    if (process === undefined) {
      this.#waiting.remove(call);
    } else {
      process.abort(call, reason);
      if (deadline) killAfterGrace(process, call, this.#settings.concurrency);
    }
    call.reject(reason);
  }

  #onResult(call: Call, [, came, value, ms]: Result): void {
    if (came === Came.givenBack) {
      call.attempt--;
      if (this.#closed !== undefined) call.reject(closedError(call.task));
      else if (!call.settled) this.#waiting.unshift(call);
    } else {
      this.#fleet.succeeded();
      this.#paces.set(call.task, paceAfter(this.#pace(call.task), ms));
      if (came === Came.returned) call.resolve(value);
      else call.reject(new Thrown(value));
    }
    this.#dispatch();
  }

  #onDeath(process: PoolProcess, status: ExitStatus, inOrder: boolean, cause: unknown): void {
    this.#fleet.remove(process, process.load > 0);
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
      else call.reject(deathError(call.task, process.pid, status, cause));
    }
    process.calls.clear();
    for (const call of again.reverse()) this.#waiting.unshift(call);
    this.#dispatch();
  }

  /** Gives waiting calls to processes with room, and sees that there are as many as are needed. */
  #dispatch(): void {
    const { processes } = this.#fleet;
    if (this.#closed !== undefined) {
      if (processes.every(({ load }) => load === 0)) this.#onDrained?.();
      return;
    }
    const { concurrency } = this.#settings;
    let call: Call | undefined;
    while ((call = this.#waiting.first) !== undefined) {
      const pace = this.#pace(call.task);
      const process = choose(processes, concurrency, queueDepth(pace));
      if (process === undefined) break;
      if (process.endedIdle()) {
        this.#fleet.remove(process, false);
        continue;
      }
      this.#waiting.shift();
      call.long = mayBeLong(pace);
      try {
        process.give(call);
      } catch (error) {
        call.reject(error);
      }
    }
    if (call === undefined && processes.length > 1) this.#balance();
    this.#fleet.adapt(this.#waiting.length);
  }

  /** When nothing waits and a process has nothing to do, asks another one for half of what it has queued. */
  #balance(): void {
    const { processes } = this.#fleet;
    if (!processes.some(({ load }) => load === 0)) return;
    const most = processes.reduce((a, b) => a.load >= b.load ? a : b);
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

  /** How many calls a map may have under way: what the processes run and can have queued. */
  #room(task: string): number {
    const { concurrency, max } = this.#settings;
    return max * (concurrency + queueDepth(this.#pace(task))) + 1;
  }

  #pace(task: string): Pace {
    return this.#paces.get(task) ?? UNKNOWN_PACE;
  }
}
