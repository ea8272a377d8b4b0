/** One run's processes on one node: their start, their requests, and their end. */

import { type Pid, shortPid } from "../core/pid.ts";
import type { Resources } from "../core/resources.ts";
import type { Launched, NodePort, SpawnRequest } from "../core/roles.ts";
import type { NodeSample } from "../core/samples.ts";
import { isAtOnce, KILL, type Termination } from "../core/signals.ts";
import type { WaitState } from "../core/waits.ts";
import { type BootedProcess, endBooted } from "../host/booter.ts";
import { DoingWatch } from "../host/doing_watch.ts";
import { EndWaits } from "../host/end_waits.ts";
import { HostedProcess } from "../host/hosted_process.ts";
import type { RunContext } from "../host/run_context.ts";
import { DiskWatch, type DiskWatchOptions } from "../host/disk_watch.ts";
import type { DiskShare } from "../host/person_disk.ts";
import type { ProcUsage } from "../host/proc_usage.ts";
import { WillSpace } from "../host/will_store.ts";
import { notStartedError, runIsEnding, startError } from "./launch_errors.ts";
import { ProcessSource, type ProcessSourceOptions } from "./process_source.ts";

/**
 * Of so many processes, each is looked at so seldom for samples that this takes at most a tenth of a core: a
 * look takes 0.3 ms. Between two looks, the last one counts.
 */
const LOOK_SHARE_MS = 3;

/** The folders of a run, and what may be in them. */
interface NodeDisk extends Pick<DiskWatchOptions, "folders" | "mostBytes"> {
  readonly share?: DiskShare | undefined;
}

/** What a node needs to know about a run. */
export interface NodeRunOptions extends Omit<RunContext, "ends">, ProcessSourceOptions {
  /**
   * The folders of the run, and what may be in them and in that of its sockets; processes end when there is more.
   * @default anything
   */
  readonly disk?: NodeDisk | undefined;
  /** Where its processes come from. @default made from these options */
  readonly source?: ProcessSource | undefined;
}

/**
 * Hosts the processes of one run.
 *
 * Each is an OS process in its own group, and gets its identity on its control link. It exists for others
 * from the moment that it runs its function. Its end is complete when the sink has taken its output and its
 * will is delivered; only then do processes that wait for it learn of it.
 */
export class NodeRun implements NodePort {
  readonly #options: NodeRunOptions;
  readonly #context: RunContext;
  readonly #source: ProcessSource;
  readonly #wills: WillSpace;
  readonly #disk: DiskWatch | undefined;
  readonly #launches = new Set<Promise<unknown>>();
  readonly #processes = new Map<Pid, HostedProcess>();
  readonly #stdin = new Map<Pid, WritableStream<Uint8Array<ArrayBuffer>>>();
  #idle = Promise.withResolvers<void>();
  /** Set once nothing more is launched; resolves when all processes are gone. */
  #stopped: Promise<void> | undefined;
  /** Cancels the timers of the graces that {@linkcode NodeRun.stop} was given. */
  readonly #graces: (() => void)[] = [];

  /** Starts to listen for control links, unless the source already does. */
  constructor(options: NodeRunOptions) {
    this.#options = options;
    this.#context = { ...options, ends: new EndWaits((pid) => options.master.wait(pid)) };
    const { otherWills, program: { user } } = options;
    const other = user && otherWills && { uid: user.uid, taken: otherWills.taken };
    this.#wills = new WillSpace(undefined, other);
    this.#source = options.source ?? new ProcessSource(options);
    const { disk, logger } = options;
    const folders = () => {
      const { sockets } = this.#source;
      return [...disk?.folders() ?? [], ...sockets === undefined ? [] : [sockets]];
    };
    if (disk?.share !== undefined) {
      const isRunning = () => !this.#isIdle();
      disk.share.run = {
        get isRunning() {
          return isRunning();
        },
        endFor: (why) => this.#endFor(why),
      };
    }
    this.#disk = disk &&
      new DiskWatch({ ...disk, folders, logger, over: (why) => this.#endFor(why) });
  }

  /**
   * Does a trial boot of the first process, and returns what it needs. If it is launched here within
   * seconds, the booted process is used, unless spares are turned off.
   *
   * @throws {TrialBootError} If the trial boot fails.
   * @throws {NodeFaultError} If this machine lacks something for it; then it can be done again.
   * @throws {SpawnError} `lost` if the run is ending.
   */
  async needs(): Promise<Resources> {
    return await this.#source.needs();
  }

  async launch(request: SpawnRequest): Promise<Launched> {
    if (this.#stopping) throw runIsEnding(request);
    const launch = this.#launch(request, this.#launches.size === 0);
    this.#launches.add(launch);
    try {
      return await launch;
    } finally {
      this.#launches.delete(launch);
      this.#checkIdle();
      if (this.#launches.size === 0 && !this.#isIdle()) this.#source.refill();
    }
  }

  async kill(pid: Pid, how: Termination = KILL): Promise<boolean> {
    const process = this.#processes.get(pid);
    if (process === undefined) return false;
    process.terminate(how);
    await process.ended;
    await this.#source.endLeft();
    return true;
  }

  runs(pid: Pid): Promise<boolean> {
    return Promise.resolve(this.#processes.get(pid)?.isAlive ?? false);
  }

  /** Asks every process of the run here what it waits for; one that ends meanwhile is left out. */
  async waits(): Promise<Map<Pid, WaitState>> {
    const states = new Map<Pid, WaitState>();
    await Promise.all(Array.from(this.#processes, async ([pid, process]) => {
      const state = await process.waits();
      if (state !== undefined) states.set(pid, state);
    }));
    return states;
  }

  /** Takes a sample of every process of the run here; one that ends meanwhile is left out. */
  async samples(): Promise<NodeSample[]> {
    const maxAgeMs = this.#processes.size * LOOK_SHARE_MS;
    const samples = await Promise.all(
      Array.from(this.#processes.values(), (process) => process.sample(maxAgeMs)),
    );
    return samples.filter((sample) => sample !== undefined);
  }

  /** What the processes of the run here use now, as far as the system tells. */
  usage(): (ProcUsage & { readonly pid: Pid })[] {
    return Array.from(this.#processes, ([pid, process]) => {
      const usage = process.usage();
      return usage === undefined ? [] : [{ pid, ...usage }];
    }).flat();
  }

  /** Stops all processes, or lets them go on: as a shell does with all processes of a job. */
  pause(signal: "SIGSTOP" | "SIGCONT"): void {
    for (const process of this.#processes.values()) process.signal(signal);
  }

  /** The port of the inspector of that process on loopback; `undefined` if it has none, or has ended. */
  inspectorPort(pid: Pid): number | undefined {
    return this.#processes.get(pid)?.inspectorPort;
  }

  /** Whether that process waits for its stdin; `undefined` if that cannot be known. */
  readsStdin(pid: Pid): boolean | undefined {
    return this.#processes.get(pid)?.readsStdin();
  }

  /** The stdin of the first process of the run, if it is a pipe; `undefined` for others, and once it has ended. */
  stdin(pid: Pid): WritableStream<Uint8Array<ArrayBuffer>> | undefined {
    return this.#stdin.get(pid);
  }

  /** The number of spares. They are not processes of the run yet. */
  get spares(): number {
    return this.#source.spares;
  }

  /** Resolves as soon as no process runs and none is being launched. */
  idle(): Promise<void> {
    return this.#isIdle() ? Promise.resolve() : this.#idle.promise;
  }

  /**
   * Launches nothing more, and ends every process as `how` says, by default with SIGKILL. Resolves when all
   * are gone and reported.
   *
   * Booting processes and spares end at once, since they have no task yet. When the grace is over,
   * remaining processes are killed, and unfinished deliveries of wills are abandoned. Called again, it can
   * only shorten the grace: no process is signalled twice.
   *
   * @throws {TypeError} If this system has no such signal.
   */
  stop(how: Termination = KILL): Promise<void> {
    const isFirst = this.#stopped === undefined;
    const stopped = this.#stopped ??= this.#stop();
    if (isAtOnce(how)) {
      this.#killAll();
      return stopped;
    }
    this.#graces.push(this.#options.startTimer(how.graceMs, () => this.#killAll()));
    if (!isFirst) return stopped;
    for (const process of this.#processes.values()) process.signal(how.signal);
    return stopped;
  }

  /** The promise of the first {@linkcode stop}; `undefined` before that. */
  get stopped(): Promise<void> | undefined {
    return this.#stopped;
  }

  get #stopping(): boolean {
    return this.#stopped !== undefined;
  }

  /** Ends every process, for that reason. */
  #endFor(why: string): void {
    for (const process of this.#processes.values()) process.endFor(why);
  }

  #killAll(): void {
    for (const process of this.#processes.values()) process.kill();
  }

  async #stop(): Promise<void> {
    const stopped = this.#source.stop();
    const ended = Array.from(this.#processes.values(), (process) => process.ended);
    await Promise.allSettled([stopped, ...ended, ...this.#launches]);
    for (const cancel of this.#graces) cancel();
    await this.#disk?.stop();
    await this.#source.close();
  }

  async #launch(request: SpawnRequest, alone: boolean): Promise<Launched> {
    const ready = await this.#source.takeBooted(request, alone);
    if (ready !== undefined) {
      const launched = await this.#begin(request, ready);
      if (launched !== undefined) return launched;
      // It died while it waited, or at once: a fresh one will show why.
    }
    const booted = await this.#source.boot(request);
    const launched = await this.#begin(request, booted);
    if (launched !== undefined) return launched;
    throw await notStartedError(request, this.#options.node, booted);
  }

  /** Starts a process on its function; returns `undefined` if it ends before it runs it. */
  async #begin(request: SpawnRequest, booted: BootedProcess): Promise<Launched | undefined> {
    const { pid } = booted;
    if (this.#stopping) {
      await endBooted(booted);
      throw runIsEnding(request);
    }
    const process = this.#host(request, booted);
    if (!await process.started) {
      await process.ended;
      if (this.#stopping) throw runIsEnding(request);
      return undefined;
    }
    const { group } = booted.child;
    this.#options.logger.debug(`Process ${shortPid(pid)} started, with OS process ${group}`);
    this.#watch(process, group);
    return { pid, ended: process.ended };
  }

  /** Looks at what it does now and then, if anybody takes that. */
  #watch(process: HostedProcess, osPid: number): void {
    const { does: tell, lookMs, startTimer } = this.#options;
    if (tell === undefined) return;
    const watch = new DoingWatch({
      ...{ pid: process.pid, osPid, tell, lookMs, startTimer },
      ask: () => process.waits(),
      processes: () => this.#processes.size,
    });
    void process.ended.then(() => watch.stop());
  }

  #host(request: SpawnRequest, own: BootedProcess): HostedProcess {
    const { pid, child, arrival } = own;
    let process: HostedProcess;
    try {
      process = new HostedProcess(this.#context, request, own, this.#wills);
    } catch (cause) {
      child.kill();
      arrival.link.close();
      throw startError(request, this.#options.node, cause);
    }
    this.#processes.set(pid, process);
    if (child.stdin !== null) this.#stdin.set(pid, child.stdin);
    void process.ended.then(() => {
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
