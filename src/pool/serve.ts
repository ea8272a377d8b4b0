/** What a process of a pool does: it runs calls, in order, until the pool closes the channel. */

import { ChannelError, type Pid, pid, Receiver, Sender, spawnable } from "../../mod.ts";
import { type Carrier, Span, SpanKind } from "../core/tracing.ts";
import { Ask, Came, CHANNEL, type Request, type Result, type ServeArgument } from "./messages.ts";
import { isLong } from "./schedule.ts";
import { type TaskContext, taskNamed } from "./task.ts";
import { Turns } from "./turns.ts";

/** The span of a task, in that of its call; `undefined` where nothing is traced. */
function beginTask(name: string, trace: Carrier): Span | undefined {
  const attributes = { "deploy.pid": pid() };
  return Span.begin(name, { kind: SpanKind.server, attributes }, () => trace);
}

type RunRequest = Extract<Request, readonly [Ask.run, ...unknown[]]>;

/** The function of a pool's processes. */
export const serve: (pool: Pid, argument: ServeArgument) => Promise<void> = spawnable(
  "deploy/pool",
  async (pool: Pid, { concurrency }: ServeArgument) => {
    await using requests = new Receiver<Request>(pool, CHANNEL);
    await using results = new Sender<Result>(pool, CHANNEL);
    using turns = new Turns();
    const server = new Server(concurrency, results, turns);
    try {
      while (true) server.handle(requests.tryRecv()?.value ?? await requests.recv());
    } catch (error) {
      if (!(error instanceof ChannelError)) throw error;
      // Its process is gone, and nobody needs what runs here: this process ends, too.
      if (error.kind !== "closed") return;
    }
    await server.idle();
  },
);

/** What a task is given. Its signal is made when it is asked for: most tasks do not. */
class CallContext implements TaskContext {
  readonly attempt: number;
  #controller: AbortController | undefined;

  constructor(attempt: number) {
    this.attempt = attempt;
  }

  get signal(): AbortSignal {
    return (this.#controller ??= new AbortController()).signal;
  }

  abort(reason: unknown): void {
    (this.#controller ??= new AbortController()).abort(reason);
  }
}

class Server {
  readonly #concurrency: number;
  readonly #results: Sender<Result>;
  readonly #turns: Turns;
  /** Calls that have not begun. */
  readonly #queue: RunRequest[] = [];
  readonly #running = new Map<number, CallContext>();
  readonly #lanes = new Set<Promise<void>>();

  constructor(concurrency: number, results: Sender<Result>, turns: Turns) {
    this.#concurrency = concurrency;
    this.#results = results;
    this.#turns = turns;
  }

  handle(request: Request): void {
    const [ask, id] = request;
    if (ask === Ask.run) {
      this.#queue.push(request);
      if (this.#lanes.size < this.#concurrency) this.#open();
      return;
    }
    const index = this.#queue.findIndex(([, queued]) => queued === id);
    if (index >= 0) {
      this.#queue.splice(index, 1);
      this.#send([id, Came.givenBack, undefined, 0]);
    } else if (ask === Ask.abort) {
      this.#running.get(id)?.abort(request[2]);
    }
  }

  /** Resolves when no call runs. */
  async idle(): Promise<void> {
    while (this.#lanes.size > 0) await Promise.all(this.#lanes);
  }

  #open(): void {
    const lane = this.#work().finally(() => this.#lanes.delete(lane));
    this.#lanes.add(lane);
  }

  /**
   * Runs one call after the other. Between two of them, results leave and requests arrive as often as is
   * needed for others not to wait for a long call, and no more often, since it takes time.
   */
  async #work(): Promise<void> {
    // Calls that came in one piece are all here before the first one begins.
    await undefined;
    this.#turns.begin();
    let request: RunRequest | undefined;
    while ((request = this.#queue.shift()) !== undefined) {
      const start = performance.now();
      const running = this.#run(request);
      const [came, value] = running instanceof Promise ? await running : running;
      const end = performance.now();
      this.#send([request[1], came, value, end - start]);
      if (this.#queue.length === 0) continue;
      if (isLong(end - start)) await this.#turns.toHear();
      else if (this.#turns.due(end)) await this.#turns.toSend();
    }
  }

  /** Runs a call; a function that gives no promise takes no turn of the event loop. */
  #run([, id, name, arg, attempt, trace]: RunRequest): Outcome | Promise<Outcome> {
    const span = trace && beginTask(name, trace);
    try {
      const task = taskNamed(name);
      if (task === undefined) throw unknownTask(name);
      const context = new CallContext(attempt);
      const value = span === undefined
        ? task.fn(arg, context)
        : span.run(() => task.fn(arg, context));
      if (isThenable(value)) {
        this.#running.set(id, context);
        return this.#settle(id, value, span);
      }
      span?.end();
      return [Came.returned, value];
    } catch (error) {
      span?.fail(error);
      return [Came.threw, error];
    }
  }

  async #settle(
    id: number,
    value: PromiseLike<unknown>,
    span: Span | undefined,
  ): Promise<Outcome> {
    try {
      const result = await value;
      span?.end();
      return [Came.returned, result];
    } catch (error) {
      span?.fail(error);
      return [Came.threw, error];
    } finally {
      this.#running.delete(id);
    }
  }

  #send(result: Result): void {
    try {
      // Nearly always there is room, and nothing to wait for.
      if (!this.#results.trySend(result)) this.#sendLater(result);
    } catch (error) {
      this.#unsent(result, error);
    }
  }

  async #sendLater(result: Result): Promise<void> {
    try {
      await this.#results.send(result);
    } catch (error) {
      this.#unsent(result, error);
    }
  }

  #unsent([id, , , ms]: Result, error: unknown): void {
    // Without a pool, nobody needs the result. One that cannot be copied fails its call.
    if (!(error instanceof ChannelError)) this.#send([id, Came.threw, error, ms]);
  }
}

type Outcome = readonly [came: Came, value: unknown];

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value &&
    typeof value.then === "function";
}

function unknownTask(name: string): Error {
  return new Error(
    `Cannot run task ${JSON.stringify(name)}: it is not registered in this process; ` +
      `call task() at module scope, before init()`,
  );
}
