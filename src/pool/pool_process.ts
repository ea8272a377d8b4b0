/** One process of a pool, and the calls that it has. */

import {
  ChannelError,
  type ExitStatus,
  kill,
  type Pid,
  Receiver,
  type Resources,
  Sender,
  spawn,
  trySpawn,
  wait,
} from "../../mod.ts";
import type { Call } from "./call.ts";
import { Ask, CHANNEL, type Request, type Result } from "./messages.ts";
import type { Loaded } from "./schedule.ts";
import { serve } from "./serve.ts";

/** What a process tells its pool. */
export interface ProcessEvents {
  /** A call has come back: with a result, or because it was asked for. */
  onResult(call: Call, result: Result): void;
  /** A call could not be sent, as its argument cannot be copied. */
  onUnsent(call: Call, error: unknown): void;
  /**
   * The process is gone. `inOrder` if it ended by itself, so that every result that it had was
   * received.
   */
  onDeath(process: PoolProcess, status: ExitStatus, inOrder: boolean, cause: unknown): void;
}

/** How a process is started. */
export interface ProcessOptions {
  readonly concurrency: number;
  readonly resources: Partial<Resources>;
  /** Gives it up. */
  readonly signal: AbortSignal;
  /** Whether it is started only if there is room for it now. */
  readonly optional: boolean;
}

/** A process that runs calls. */
export class PoolProcess implements Loaded {
  readonly pid: Pid;
  /** The calls that it has, in the order in which they were sent, which is that of their beginning. */
  readonly calls: Map<number, Call> = new Map();
  longCalls = 0;
  /** When it last had a call, by `performance.now()`. */
  idleSince: number = performance.now();
  readonly #requests: Sender<Request>;
  readonly #results: Receiver<Result>;
  readonly #events: ProcessEvents;
  #reading = false;

  private constructor(pid: Pid, events: ProcessEvents) {
    this.pid = pid;
    this.#requests = new Sender(pid, CHANNEL);
    this.#results = new Receiver(pid, CHANNEL);
    this.#events = events;
  }

  /** Starts a process. @throws {SpawnError} If it cannot be; `no-capacity` if it is `optional`. */
  static async start(
    { concurrency, resources, signal, optional }: ProcessOptions,
    events: ProcessEvents,
  ): Promise<PoolProcess> {
    const start = optional ? trySpawn : spawn;
    const pid = await start(serve, { concurrency }, { ...resources, name: "pool", signal });
    return new PoolProcess(pid, events);
  }

  get load(): number {
    return this.calls.size;
  }

  /** Whether it is known to have ended while it had no calls; then `onDeath` is called. */
  endedIdle(): boolean {
    if (this.calls.size > 0) return false;
    try {
      this.#results.tryRecv();
      return false;
    } catch (error) {
      this.#die(error);
      return true;
    }
  }

  /** Sends it a call. @throws {TypeError} If its argument cannot be copied; then it has not got it. */
  give(call: Call): void {
    const { id, task, arg, attempt, span } = call;
    const request: Request = span === undefined
      ? [Ask.run, id, task, arg, attempt + 1]
      : [Ask.run, id, task, arg, attempt + 1, span.carrier];
    try {
      // Nearly always there is room, and nothing to wait for.
      if (!this.#requests.trySend(request)) this.#sendCall(call, request);
    } catch (error) {
      // An end of the process is told by what is received.
      if (!(error instanceof ChannelError)) throw error;
    }
    call.process = this;
    call.askedBack = false;
    call.attempt++;
    this.calls.set(call.id, call);
    if (call.long) this.longCalls++;
    if (!this.#reading) this.#read();
  }

  /** Sends a call when there is room for it. */
  async #sendCall(call: Call, request: Request): Promise<void> {
    try {
      await this.#requests.send(request);
    } catch (error) {
      if (error instanceof ChannelError) return;
      this.#remove(call);
      this.#events.onUnsent(call, error);
    }
  }

  /** Asks for a call that has not begun. */
  askBack(call: Call): void {
    call.askedBack = true;
    this.#send([Ask.giveBack, call.id]);
  }

  /** Aborts the signal of a call. */
  abort(call: Call, reason: unknown): void {
    this.#send([Ask.abort, call.id, reason]);
  }

  /** Ends it, whatever it does; `onDeath` tells when it is gone. */
  kill(): Promise<void> {
    return kill(this.pid);
  }

  /** Ends it in order; it must have no calls. */
  async end(): Promise<void> {
    await this.#requests.close();
    await wait(this.pid);
    await this.#results.close();
  }

  #send(request: Request): void {
    this.#requests.send(request).catch((error) => {
      if (error instanceof ChannelError) return;
      // A reason that cannot be copied is told by its text.
      if (request[0] === Ask.abort) {
        this.#send([Ask.abort, request[1], new Error(String(request[2]))]);
      }
    });
  }

  /** Receives while there are calls: a pool that has none keeps no process alive. */
  async #read(): Promise<void> {
    this.#reading = true;
    try {
      while (this.calls.size > 0) {
        this.#take(this.#results.tryRecv()?.value ?? await this.#results.recv());
      }
      this.#reading = false;
    } catch (error) {
      await this.#die(error);
    }
  }

  #take(result: Result): void {
    const call = this.calls.get(result[0]);
    if (call === undefined) return;
    this.#remove(call);
    this.#events.onResult(call, result);
  }

  #remove(call: Call): void {
    if (!this.calls.delete(call.id)) return;
    call.process = undefined;
    if (call.long) this.longCalls--;
    if (this.calls.size === 0) this.idleSince = performance.now();
  }

  async #die(error: unknown): Promise<void> {
    this.#reading = true;
    const isEnd = error instanceof ChannelError && error.kind !== "closed";
    // What cannot be read ends the process, too.
    if (!isEnd) await this.kill();
    const status = (isEnd ? error.status : undefined) ?? await wait(this.pid);
    const inOrder = isEnd && (error.kind === "exited" || error.kind === "failed");
    this.#events.onDeath(this, status, inOrder, error);
    await Promise.all([this.#requests.close(), this.#results.close()]);
  }
}
