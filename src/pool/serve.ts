/** What a process of a pool does: it runs calls, in order, until the pool closes the channel. */

import { ChannelError, type Pid, Receiver, Sender, spawnable } from "../../mod.ts";
import { Ask, Came, CHANNEL, type Request, type Result, type ServeArgument } from "./messages.ts";
import { taskNamed } from "./task.ts";

type RunRequest = Extract<Request, readonly [Ask.run, ...unknown[]]>;

/** The function of a pool's processes. */
export const serve: (pool: Pid, argument: ServeArgument) => Promise<void> = spawnable(
  "deploy/pool",
  async (pool: Pid, { concurrency }: ServeArgument) => {
    await using requests = new Receiver<Request>(pool, CHANNEL);
    await using results = new Sender<Result>(pool, CHANNEL);
    const server = new Server(concurrency, results);
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

class Server {
  readonly #results: Sender<Result>;
  readonly #concurrency: number;
  /** Calls that have not begun. */
  readonly #queue: RunRequest[] = [];
  readonly #running = new Map<number, AbortController>();
  readonly #lanes = new Set<Promise<void>>();

  constructor(concurrency: number, results: Sender<Result>) {
    this.#concurrency = concurrency;
    this.#results = results;
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

  /** Runs one call after the other. The result of each is on its way before the next one begins. */
  async #work(): Promise<void> {
    // Calls that came in one piece are all here before the first one begins.
    await undefined;
    let call: RunRequest | undefined;
    while ((call = this.#queue.shift()) !== undefined) await this.#run(call);
  }

  async #run([, id, name, arg, attempt]: RunRequest): Promise<void> {
    const start = performance.now();
    const controller = new AbortController();
    this.#running.set(id, controller);
    let came = Came.returned;
    let value: unknown;
    try {
      const task = taskNamed(name);
      if (task === undefined) throw unknownTask(name);
      value = await task.fn(arg, { signal: controller.signal, attempt });
    } catch (error) {
      came = Came.threw;
      value = error;
    }
    this.#running.delete(id);
    this.#send([id, came, value, performance.now() - start]);
  }

  #send(result: Result): void {
    this.#results.send(result).catch((error) => {
      // Without a pool, nobody needs the result. One that cannot be copied fails its call.
      if (error instanceof ChannelError) return;
      this.#send([result[0], Came.threw, error, result[3]]);
    });
  }
}

function unknownTask(name: string): Error {
  return new Error(
    `Cannot run task ${JSON.stringify(name)}: it is not registered in this process; ` +
      `call task() at module scope, before init()`,
  );
}
