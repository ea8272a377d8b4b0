/**
 * A pool of processes that run jobs, as a library: a program imports it and calls `init()` as always,
 * since {@linkcode spawnable} registers the function that the pool's processes run.
 */

import { ChannelError, type Pid, Receiver, Sender, spawn, spawnable, wait } from "deploy";

/** A function that a pool can run: its argument and its result cross a channel. */
export type Job<A, R> = (arg: A) => R | Promise<R>;

interface JobRequest {
  job: string;
  arg: unknown;
}

type JobResult = { value: unknown } | { error: unknown };

// deno-lint-ignore no-explicit-any -- jobs of all types; run() gives each its own back
const jobs = new Map<string, Job<any, unknown>>();

/**
 * Registers a job under a name, and returns it. A function cannot be sent to another process, so what is
 * sent is its name: this is called at module scope, in front of `init()`, where each process does it.
 */
export function job<A, R>(name: string, fn: Job<A, R>): Job<A, R> {
  if (jobs.has(name)) throw new Error(`Cannot register job ${name}: there is one of that name`);
  jobs.set(name, fn);
  return fn;
}

/** What a process of a pool does: run jobs, until the pool closes the channel. */
const serve = spawnable("process_pool/serve", async (pool: Pid) => {
  await using requests = new Receiver<JobRequest>(pool);
  await using results = new Sender<JobResult>(pool);
  for await (const { job, arg } of requests) {
    const result = await answer(job, arg);
    // A result that cannot be sent fails its job, and not the process.
    await results.send(result).catch((error) => results.send({ error }));
  }
});

async function answer(name: string, arg: unknown): Promise<JobResult> {
  const fn = jobs.get(name);
  if (fn === undefined) return { error: new Error(`This process knows no job ${name}`) };
  try {
    return { value: await fn(arg) };
  } catch (error) {
    return { error };
  }
}

/** One process of a pool, and the two channels to it. */
class PoolProcess {
  readonly #pid: Pid;
  readonly #requests: Sender<JobRequest>;
  readonly #results: Receiver<JobResult>;

  private constructor(pid: Pid) {
    this.#pid = pid;
    this.#requests = new Sender(pid);
    this.#results = new Receiver(pid);
  }

  static async start(): Promise<PoolProcess> {
    return new PoolProcess(await spawn(serve));
  }

  async run(request: JobRequest): Promise<JobResult> {
    await this.#requests.send(request);
    return await this.#results.recv();
  }

  async close(): Promise<void> {
    await this.#requests.close();
    await wait(this.#pid);
    await this.#results.close();
  }
}

/** A fixed number of processes, each of which runs one job at a time. */
export class ProcessPool implements AsyncDisposable {
  readonly #idle: PoolProcess[];
  /** Calls that wait for a process, first come first served. */
  readonly #waiting: ((process: PoolProcess) => void)[] = [];

  private constructor(processes: PoolProcess[]) {
    this.#idle = processes;
  }

  /** Starts `size` processes. */
  static async start(size: number): Promise<ProcessPool> {
    return new ProcessPool(await Promise.all(Array.from({ length: size }, PoolProcess.start)));
  }

  /**
   * Runs `fn(arg)` in the next process that has nothing to do, and resolves with what it returned, or
   * rejects with what it threw. If the process dies of it, it rejects with a `ChannelError`, and
   * another process takes the place of that one.
   */
  async run<A, R>(fn: Job<A, R>, arg: A): Promise<R> {
    const name = [...jobs].find(([, known]) => known === fn)?.[0];
    if (name === undefined) throw new Error(`Cannot run ${fn.name || "a function"}: it is no job`);
    let process = await this.#take();
    try {
      const result = await process.run({ job: name, arg });
      if ("error" in result) throw result.error;
      return result.value as R;
    } catch (error) {
      if (error instanceof ChannelError) process = await PoolProcess.start();
      throw error;
    } finally {
      this.#give(process);
    }
  }

  #take(): Promise<PoolProcess> {
    const idle = this.#idle.pop();
    if (idle !== undefined) return Promise.resolve(idle);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #give(process: PoolProcess): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(process);
    else next(process);
  }

  /** Ends the processes. Jobs must have been awaited before. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#idle.splice(0).map((process) => process.close()));
  }
}
