/** One run's processes on one node: their start, their questions, and their end. */

import { SpawnError } from "../core/errors.ts";
import type { ExitStatus } from "../core/exit_status.ts";
import { makePid, type Pid, randomId, shortPid } from "../core/pid.ts";
import type { NodePort, SpawnRequest } from "../core/roles.ts";
import { BootGate } from "./boot_gate.ts";
import { ChildProcess } from "./child_process.ts";
import { ControlServer, type Expected } from "./control_server.ts";
import { HostedProcess, type RunContext } from "./hosted_process.ts";
import { NotStartedError } from "./not_started.ts";
import type { Program } from "./program.ts";
import { Watchdog } from "./watchdog.ts";

/** How many processes boot at once; see {@linkcode BootGate}. */
const BOOTS_PER_CORE = 4;
/** After this long, a process that is not ready does something else than booting. */
const MAX_BOOT_MS = 2_000;

/** Processes and their node are on the same machine, whatever address others reach them at. */
const CONTROL_HOST = "127.0.0.1";

/** What a node has to know of a run. */
export interface NodeRunOptions extends RunContext {
  readonly program: Program;
  /** The address that this node's processes listen on, and are reached at. */
  readonly hostname: string;
  /** Where processes leave files when they end. */
  readonly temporaryFolder: string;
}

/** A process on its way to saying hello, or dying. */
interface Boot {
  readonly child: ChildProcess;
  readonly expected: Expected;
  readonly willPath: string;
}

/**
 * Hosts the processes of one run.
 *
 * Each is an OS process in a group of its own, and is told on its control link who it is. It exists for
 * others from the moment that it runs its function. Its end is complete when its output has been taken
 * by the sink and what it left undelivered is delivered; only then do those who wait for it learn of it.
 */
export class NodeRun implements NodePort {
  readonly #options: NodeRunOptions;
  readonly #server: ControlServer;
  readonly #watchdog: Watchdog;
  readonly #gate = new BootGate(BOOTS_PER_CORE * navigator.hardwareConcurrency, MAX_BOOT_MS);
  readonly #booting = new Set<ChildProcess>();
  readonly #launches = new Set<Promise<unknown>>();
  readonly #processes = new Map<Pid, HostedProcess>();
  /** Kept for ever, since it can be asked for at any time. */
  readonly #ended = new Map<Pid, ExitStatus>();
  readonly #stdin = new Map<Pid, WritableStream<Uint8Array<ArrayBuffer>>>();
  #idle = Promise.withResolvers<void>();
  #stopping = false;

  /** Starts to listen for control links, on a free port. */
  constructor(options: NodeRunOptions) {
    this.#options = options;
    this.#server = new ControlServer({ hostname: CONTROL_HOST, logger: options.logger });
    this.#watchdog = new Watchdog(options.logger);
  }

  async launch(request: SpawnRequest): Promise<Pid> {
    if (this.#stopping) throw runIsEnding(request);
    const launch = this.#launch(request);
    this.#launches.add(launch);
    try {
      return await launch;
    } finally {
      this.#launches.delete(launch);
      this.#checkIdle();
    }
  }

  wait(pid: Pid): Promise<ExitStatus> {
    const status = this.#ended.get(pid);
    if (status !== undefined) return Promise.resolve(status);
    const process = this.#processes.get(pid);
    return process?.ended ?? Promise.reject(unknownPid("wait for", pid));
  }

  async kill(pid: Pid): Promise<void> {
    if (this.#ended.has(pid)) return;
    const process = this.#processes.get(pid);
    if (process === undefined) throw unknownPid("kill", pid);
    process.kill();
    await process.ended;
  }

  /** The stdin of the first process of the run; `undefined` for others, and once it has ended. */
  stdin(pid: Pid): WritableStream<Uint8Array<ArrayBuffer>> | undefined {
    return this.#stdin.get(pid);
  }

  /** Resolves as soon as no process runs and none is being launched. */
  idle(): Promise<void> {
    return this.#isIdle() ? Promise.resolve() : this.#idle.promise;
  }

  /** Kills every process, launches no more, and resolves when all are gone and reported. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const child of this.#booting) child.kill();
    const ended: Promise<unknown>[] = [];
    for (const process of this.#processes.values()) {
      process.kill();
      ended.push(process.ended);
    }
    await Promise.allSettled([...ended, ...this.#launches]);
    this.#server.close();
    await this.#watchdog.close();
  }

  async #launch(request: SpawnRequest): Promise<Pid> {
    const booted = await this.#gate.enter();
    try {
      if (this.#stopping) throw runIsEnding(request);
      return await this.#start(request, booted);
    } finally {
      booted();
    }
  }

  /** Starts a process, and calls `booted` once it is ready to be told what to run. */
  async #start(request: SpawnRequest, booted: () => void): Promise<Pid> {
    const { child, expected, willPath } = this.#boot(request);
    this.#booting.add(child);
    const watched = this.#watchdog.add(child.group);
    // The group's id is not given to another process before the group is gone.
    void child.exited.then(() => this.#watchdog.remove(child.group));
    try {
      const arrival = await Promise.race([expected.arrival, child.exited.then(() => undefined)]);
      booted();
      if (arrival === undefined) throw await deadStart(request, child);
      // It may compute for ever as soon as it is told to start.
      await watched;
      const { hostname } = this.#options;
      const pid = makePid(randomId(), hostname, arrival.port);
      const process = this.#host(request, { pid, child, arrival, willPath });
      if (!await process.started) {
        await process.ended;
        throw await deadStart(request, child);
      }
      this.#options.logger.debug(
        `Process ${shortPid(pid)} started, with OS process ${child.group}`,
      );
      return pid;
    } finally {
      expected.cancel();
      this.#booting.delete(child);
    }
  }

  #boot(request: SpawnRequest): Boot {
    const { program, hostname, temporaryFolder } = this.#options;
    const expected = this.#server.expect();
    // Neither this launcher's other runs nor anyone else can have, or guess, such a name.
    const willPath = `${temporaryFolder}/deploy-${Deno.pid}-${randomId()}.will`;
    const control = { control: this.#server.address, token: expected.token, host: hostname };
    try {
      const env = { DEPLOY_PROCESS: JSON.stringify(control) };
      const child = new ChildProcess(program, { env, stdin: request.name === null });
      return { child, expected, willPath };
    } catch (cause) {
      expected.cancel();
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new SpawnError("not-started", `${cannotStart(request)}: ${why}`, { cause });
    }
  }

  #host(
    request: SpawnRequest,
    own: ConstructorParameters<typeof HostedProcess>[2],
  ): HostedProcess {
    const { pid, child, arrival } = own;
    let process: HostedProcess;
    try {
      process = new HostedProcess(this.#options, request, own);
    } catch (cause) {
      child.kill();
      arrival.link.close();
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new SpawnError("not-started", `${cannotStart(request)}: ${why}`, { cause });
    }
    this.#processes.set(pid, process);
    if (child.stdin !== null) this.#stdin.set(pid, child.stdin);
    void process.ended.then((status) => {
      this.#ended.set(pid, status);
      this.#processes.delete(pid);
      this.#stdin.delete(pid);
      this.#checkIdle();
    });
    return process;
  }

  #isIdle(): boolean {
    return this.#processes.size === 0 && this.#launches.size === 0;
  }

  #checkIdle(): void {
    if (!this.#isIdle()) return;
    this.#idle.resolve();
    this.#idle = Promise.withResolvers();
  }
}

async function deadStart({ name }: SpawnRequest, child: ChildProcess): Promise<NotStartedError> {
  const status = await child.exited;
  await Promise.all([child.drained[1], child.drained[2]]);
  return new NotStartedError(name, { status, output: child.held, overflowed: child.overflowed });
}

function runIsEnding(request: SpawnRequest): SpawnError {
  return new SpawnError("lost", `${cannotStart(request)}: the run is ending`);
}

function cannotStart({ name }: SpawnRequest): string {
  return `Cannot start ${name === null ? "the first process" : `${name}()`}`;
}

function unknownPid(what: string, pid: Pid): Error {
  return new Error(`Cannot ${what} ${pid}: this program has no such process`);
}
