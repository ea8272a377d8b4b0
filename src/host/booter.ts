/** Boots processes of a run, up to the point where they wait to be told what to run. */

import { messageOf } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import type { PortRange } from "../core/port_range.ts";
import { makePid, type Pid, randomId } from "../core/pid.ts";
import type { Protection } from "../net/protocol.ts";
import type { Patience } from "../net/liveness.ts";
import type { Resources } from "../core/resources.ts";
import { type StartTimer, startTimer } from "../core/timer.ts";
import type { EnterOptions } from "../core/timed_gate.ts";
import { Boots } from "./boots.ts";
import { ChildProcess, type StdinKind } from "./child_process.ts";
import type { Enforcement, ProcessLimits } from "./enforcement.ts";
import { haveDescriptorsFor } from "./descriptors.ts";
import { heapBytesOf, takesHeapLimit, withHeapLimit } from "./heap_limit.ts";
import { type Arrival, ControlServer } from "./control_server.ts";
import { Marks } from "./marks.ts";
import { LackError } from "./node_fault.ts";
import { haveTasksFor } from "./task_room.ts";
import { type Program, withInspector } from "./program.ts";
import { limitersOf, limitsOf, withPermissions } from "./program_permissions.ts";
import { type RuntimeNeeds, runtimeNeeds } from "./runtime_needs.ts";
import { SocketFolder } from "./socket_folder.ts";
import { Watchdog } from "./watchdog.ts";
import { newWillPath } from "./will_store.ts";

/** How long a process may take to be ready, which its program's code before `init()` is part of. */
const BOOT_LIMIT_MS = 60_000;

/** Processes and their node are on the same machine, whatever address others use. */
const CONTROL_HOST = "127.0.0.1";

/** What to start, and how. */
export interface BooterOptions {
  readonly program: Program;
  /** The address of the host, which is part of the Pids of its processes. */
  readonly hostname: string;
  /** The IP address that this is. @default `hostname` */
  readonly ip?: string;
  /** Whether processes of other hosts connect to these, which then listen on a TCP port of `hostname`. */
  readonly reachable: boolean;
  /** The key of the run, 32 bytes, with which its processes authenticate each other. */
  readonly key: Uint8Array<ArrayBuffer>;
  /** The folder for the wills of processes and for the folder with their sockets; `null` if there is none. */
  readonly willFolder: string | null;
  /** Where the processes leave wills, if their program runs as another user. @default `willFolder` */
  readonly otherWills?: { readonly folder: string; readonly taken: string } | undefined;
  /** The ports that the processes may listen on. @default any */
  readonly ports?: PortRange | undefined;
  /** How what they say to other hosts is protected. @default `open` */
  readonly protection?: Protection;
  /** The other hosts with processes of the run, which a process whose network is limited may connect to. @default none */
  readonly peerHosts?: readonly string[] | undefined;
  /** The address of the node; `null` in a local run. */
  readonly node: string | null;
  /** How long the processes try to connect to those of other hosts. @default 3 s until they say so, and 30 s */
  readonly patience?: Patience | undefined;
  /** What holds processes to what they ask for. @default nothing */
  readonly enforcement?: Enforcement | undefined;
  /** How long a process may take to be ready. @default BOOT_LIMIT_MS */
  readonly bootLimitMs?: number | undefined;
  /** What it shares with the other runs of its node. @default there is no other run */
  readonly boots?: Boots | undefined;
  readonly logger: Logger;
}

/** How one process is booted. */
export interface BootOptions {
  readonly stdin: StdinKind;
  /**
   * What it is booted for: its memory and its heap are limited to that. The limit of its heap cannot be changed
   * later. @default unknown: it may use as much as the node has
   */
  readonly resources?: Readonly<Resources>;
  /** Whether it has an inspector. @default false */
  readonly inspected?: boolean;
  /** What it may do at most; see `SpawnRequest`. @default what its program may */
  readonly permissions?: readonly string[] | undefined;
  readonly signal?: AbortSignal;
  /** How long it may take to be ready, once it has begun to boot. @default that of all processes of the run */
  readonly limitMs?: number;
  /** Measures that. @default real time */
  readonly startTimer?: StartTimer;
  /** As in {@linkcode EnterOptions}. @default nobody is told that it waits */
  readonly onWait?: EnterOptions["onWait"];
}

/** A process that has run its prelude, listens, knows who it is, and waits to be told what to run. */
export interface BootedProcess {
  readonly pid: Pid;
  readonly child: ChildProcess;
  readonly arrival: Arrival;
  readonly willPath: string | null;
  /** The folder with the Unix sockets of the run's processes on this host; `undefined` if there is none. */
  readonly sockets: string | undefined;
  /** How large its heap may become; `undefined` if that is not limited. */
  readonly heapBytes: number | undefined;
}

/** Ends a process that has not been given a task; resolves when it is gone. */
export async function endBooted({ child, arrival }: BootedProcess): Promise<void> {
  child.kill();
  arrival.link.close();
  await Promise.all([child.exited, child.drained[1], child.drained[2]]);
}

/** A process ended before it had booted. */
export class DeadBootError extends Error {
  readonly child: ChildProcess;

  /** After how many ms it was ended because it took too long; `undefined` if it was not. */
  readonly lateMs: number | undefined;

  constructor(child: ChildProcess, lateMs: number | undefined) {
    super("the process ended before it was ready");
    this.name = "DeadBootError";
    this.child = child;
    this.lateMs = lateMs;
  }
}

export class Booter {
  readonly #options: BooterOptions;
  readonly #folder: SocketFolder | undefined;
  readonly #server: ControlServer;
  readonly #marks: Marks;
  readonly #watchdog: Watchdog;
  /** What it shares with the other runs of its node. */
  readonly boots: Boots;
  /** The processes that boot, the youngest last. */
  readonly #booting = new Set<ChildProcess>();
  /** Those of them that were ended since their control links could not be accepted. */
  readonly #refused = new WeakSet<ChildProcess>();
  readonly #swept: Promise<void> | undefined;
  readonly #stopping = new AbortController();
  #busy = 0;

  /** Begins to listen for control links: on a Unix socket, or else on a free port. */
  constructor(options: BooterOptions) {
    this.#options = options;
    this.boots = options.boots ?? new Boots();
    const { willFolder, logger, program: { user } } = options;
    const marks = this.#marks = new Marks(user?.marksGroups);
    const other = user && { ...user, group: marks.group };
    const folder = willFolder === null ? undefined : SocketFolder.make(willFolder, logger, other);
    this.#folder = folder;
    const at = folder === undefined ? { hostname: CONTROL_HOST, port: 0 } : { path: folder.node };
    this.#server = new ControlServer({ at, logger, refused: () => this.#refuseYoungest() });
    // Before that, nobody else could enter.
    folder?.give();
    this.#watchdog = new Watchdog({ logger, marks, folder });
    this.#swept = folder?.sweep().catch((error) => {
      logger.debug(`cannot remove the sockets of earlier runs: ${messageOf(error)}`);
    });
  }

  /**
   * The folder with the sockets of its processes, in which programs may put other files, where it is now; `undefined` if
   * there is none, or it is not found.
   */
  get sockets(): string | undefined {
    return this.#folder?.where();
  }

  /** How many processes are booting, or wait until they may. */
  get busy(): number {
    return this.#busy;
  }

  /**
   * Starts a process when it is its turn; resolves when it waits to be told what to run. If
   * `signal` is aborted before that, it is killed.
   *
   * @throws {DeadBootError} If it ends before, or is not ready within {@linkcode BOOT_LIMIT_MS}.
   * @throws {LackError} If this process may not open enough files for it, or its control group not have its threads.
   * @throws {Error} If it cannot be started at all, or the run is being stopped.
   */
  async boot(options: BootOptions): Promise<BootedProcess> {
    const { signal, onWait } = options;
    const ending = this.#stopping.signal;
    this.#busy++;
    let leave: (() => void) | undefined;
    try {
      leave = await this.boots.gate.enter({
        signal: signal === undefined ? ending : AbortSignal.any([signal, ending]),
        onWait,
      });
      // It may have been aborted since it was let in.
      signal?.throwIfAborted();
      ending.throwIfAborted();
      const beganMs = performance.now();
      const booted = await this.#boot(options);
      this.boots.gate.took(performance.now() - beganMs);
      return booted;
    } finally {
      this.#busy--;
      leave?.();
    }
  }

  /** No control link can be accepted: the others can be once there is one process less. */
  #refuseYoungest(): void {
    const youngest = [...this.#booting].at(-1);
    if (youngest === undefined) return;
    this.#booting.delete(youngest);
    this.#refused.add(youngest);
    youngest.kill();
  }

  /** Kills booting processes, and boots no more. */
  stop(): void {
    this.#stopping.abort(new Error("the run is ending"));
    for (const child of this.#booting) child.kill();
  }

  /** Ends what processes that have ended had started outside of their groups; resolves when that is done. */
  async endLeft(): Promise<void> {
    await this.#watchdog.endLeft();
  }

  /** Releases everything; called when all processes are gone. */
  async close(): Promise<void> {
    await this.#server.close();
    await this.#swept;
    await this.#folder?.remove().catch((error) => {
      this.#options.logger.warn(`Cannot remove the sockets of a run: ${messageOf(error)}`);
    });
    await this.#watchdog.close();
    await this.#options.enforcement?.idle();
  }

  /** The limit of the heap of a process with these resources; `undefined` if it would have none. */
  heapBytes({ mem }: Readonly<Resources>): number | undefined {
    const { program, enforcement } = this.#options;
    return enforcement === undefined || !takesHeapLimit(program) ? undefined : heapBytesOf(mem);
  }

  #needs(id: string, willPath: string | null): RuntimeNeeds {
    const { hostname, ip = hostname, reachable, ports, peerHosts = [] } = this.#options;
    const folder = this.#folder;
    return runtimeNeeds({
      sockets: folder && { folder: folder.path, node: folder.node, own: folder.process(id) },
      control: this.#server.address,
      listensAt: reachable || folder === undefined ? [...new Set([hostname, ip])] : [],
      hasPorts: ports !== undefined,
      peerHosts,
      willPath,
    });
  }

  /** Starts it, within its limits from the start if it is somebody else's: that one may mean to get out of them. */
  async #start(
    program: Program,
    { limits, ...options }: {
      readonly env: Record<string, string>;
      readonly stdin: StdinKind;
      readonly mark: string;
      readonly limits: ProcessLimits | undefined;
    },
  ): Promise<ChildProcess> {
    const nice = this.#options.enforcement?.nice;
    if (program.user === undefined || limits === undefined) {
      return new ChildProcess(program, { ...options, limits, nice });
    }
    const groupFiles = await limits.prepare();
    try {
      return new ChildProcess(program, { ...options, limits, groupFiles, nice });
    } catch (error) {
      limits.ended();
      throw error;
    }
  }

  async #boot(options: BootOptions): Promise<BootedProcess> {
    const { stdin, signal, resources, permissions, inspected = false } = options;
    const { hostname, reachable, key, ports, patience, enforcement } = this.#options;
    const willFolder = this.#options.otherWills?.folder ?? this.#options.willFolder;
    const heapBytes = resources && this.heapBytes(resources);
    const folder = this.#folder;
    const id = randomId();
    const willPath = willFolder === null ? null : newWillPath(willFolder);
    const limits = limitsOf(this.#options.program, permissions);
    const limited = limits === undefined
      ? this.#options.program
      : withPermissions(this.#options.program, limits, this.#needs(id, willPath));
    const base = inspected ? withInspector(limited) : limited;
    const program = resources === undefined || heapBytes === undefined
      ? base
      : withHeapLimit(base, resources.mem);
    const expected = this.#server.expect();
    const bootstrap = {
      control: this.#server.address,
      token: expected.token,
      socket: folder?.process(id),
      host: reachable || folder === undefined ? hostname : undefined,
      protection: this.#options.protection,
      ports: ports && [ports.from, ports.to],
      patience,
      limits: limitersOf(limits, this.#options, permissions !== undefined),
    };
    let child: ChildProcess | undefined;
    let isLate = false;
    const kill = (): void => child?.kill();
    signal?.addEventListener("abort", kill);
    const limitMs = options.limitMs ?? this.#options.bootLimitMs ?? BOOT_LIMIT_MS;
    let cancel = (): void => {};
    try {
      const boots = this.#booting.size + 1;
      if (!haveDescriptorsFor(boots)) throw new LackError("EMFILE");
      if (!haveTasksFor(boots)) throw new LackError("EAGAIN");
      const env = { DEPLOY_PROCESS: JSON.stringify(bootstrap) };
      const mark = this.#marks.next();
      const limits = enforcement?.next({ mark, place: this.#marks.place });
      // Its share of the CPU is set when it is told what to run: it boots at full speed.
      if (enforcement !== undefined) limits?.set({ mem: resources?.mem ?? enforcement.mostBytes });
      const starting = this.#start(program, { env, stdin, mark, limits });
      // After it: the first timer of a process takes Deno 16 ms, in which the new process boots already.
      cancel = (options.startTimer ?? startTimer)(limitMs, () => {
        isLate = true;
        kill();
      });
      child = await starting;
      this.#booting.add(child);
      // It may have been given up while its control group was being made.
      if (isLate || signal?.aborted === true || this.#stopping.signal.aborted) child.kill();
      const { group, exited } = child;
      const watched = this.#watchdog.add(group);
      // The group's id is not reused before the group is gone.
      void exited.then(() => {
        this.#watchdog.remove(group);
        this.#watchdog.left(mark);
        folder?.removeProcess(id);
      });
      const arrival = await Promise.race([expected.arrival, exited.then(() => undefined)]);
      if (arrival === undefined && this.#refused.has(child)) throw new LackError("EMFILE");
      if (arrival === undefined) throw new DeadBootError(child, isLate ? limitMs : undefined);
      const pid = makePid(id, hostname, arrival.port);
      arrival.link.send({ type: "welcome", pid, key, will: willPath });
      // It may compute forever as soon as it is told to start.
      await watched;
      return { pid, child, arrival, willPath, sockets: folder?.path, heapBytes };
    } catch (error) {
      // It may have said hello just before it ended.
      expected.drop();
      throw error;
    } finally {
      cancel();
      signal?.removeEventListener("abort", kill);
      if (child !== undefined) this.#booting.delete(child);
    }
  }
}
