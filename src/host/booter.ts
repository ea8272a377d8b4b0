/** Boots processes of a run, up to the point where they wait to be told what to run. */

import { messageOf } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import type { PortRange } from "../core/port_range.ts";
import { makePid, type Pid, randomId } from "../core/pid.ts";
import { BootGate } from "./boot_gate.ts";
import { ChildProcess, type StdinKind } from "./child_process.ts";
import { type Arrival, ControlServer } from "./control_server.ts";
import { Marks } from "./marks.ts";
import type { Program } from "./program.ts";
import { SocketFolder } from "./socket_folder.ts";
import { Watchdog } from "./watchdog.ts";
import { newWillPath } from "./will_store.ts";

/**
 * How many processes boot at once; see {@linkcode BootGate}. More are not ready sooner, and take more CPU
 * time each; with fewer, one that waits for something would leave a core idle.
 */
const BOOTS_PER_CORE = 2;
/** After this long, a process that is not ready is assumed not to be booting. */
const MAX_BOOT_MS = 2_000;

/** Processes and their node are on the same machine, whatever address others use. */
const CONTROL_HOST = "127.0.0.1";

/** What to start, and how. */
export interface BooterOptions {
  readonly program: Program;
  /** The address of the host, which is part of the Pids of its processes. */
  readonly hostname: string;
  /** Whether processes of other hosts connect to these, which then listen on a TCP port of `hostname`. */
  readonly reachable: boolean;
  /** The key of the run, 32 bytes, with which its processes authenticate each other. */
  readonly key: Uint8Array<ArrayBuffer>;
  /** The folder for the wills of processes and for the folder with their sockets; `null` if there is none. */
  readonly willFolder: string | null;
  /** The ports that the processes may listen on. @default any */
  readonly ports?: PortRange | undefined;
  readonly logger: Logger;
}

/** A process that has run its prelude, listens, knows who it is, and waits to be told what to run. */
export interface BootedProcess {
  readonly pid: Pid;
  readonly child: ChildProcess;
  readonly arrival: Arrival;
  readonly willPath: string | null;
  /** The folder with the Unix sockets of the run's processes on this host; `undefined` if there is none. */
  readonly sockets: string | undefined;
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

  constructor(child: ChildProcess) {
    super("the process ended before it was ready");
    this.name = "DeadBootError";
    this.child = child;
  }
}

export class Booter {
  readonly #options: BooterOptions;
  readonly #folder: SocketFolder | undefined;
  readonly #server: ControlServer;
  readonly #marks = new Marks();
  readonly #watchdog: Watchdog;
  readonly #gate = new BootGate(BOOTS_PER_CORE * navigator.hardwareConcurrency, MAX_BOOT_MS);
  readonly #booting = new Set<ChildProcess>();
  readonly #swept: Promise<void> | undefined;
  #busy = 0;
  #stopping = false;

  /** Begins to listen for control links: on a Unix socket, or else on a free port. */
  constructor(options: BooterOptions) {
    this.#options = options;
    const { willFolder, logger } = options;
    const folder = willFolder === null ? undefined : SocketFolder.make(willFolder, logger);
    this.#folder = folder;
    const at = folder === undefined ? { hostname: CONTROL_HOST, port: 0 } : { path: folder.node };
    this.#server = new ControlServer({ at, logger });
    this.#watchdog = new Watchdog({ logger, pattern: this.#marks.pattern, folder: folder?.path });
    this.#swept = folder?.sweep().catch((error) => {
      logger.debug(`cannot remove the sockets of earlier runs: ${messageOf(error)}`);
    });
  }

  /** How many processes are booting, or wait until they may. */
  get busy(): number {
    return this.#busy;
  }

  /**
   * Starts a process; resolves when it waits to be told what to run. If
   * `signal` is aborted before that, it is killed.
   *
   * @throws {DeadBootError} If it ends before.
   * @throws {Error} If it cannot be started at all, or the run is being stopped.
   */
  async boot(options: { stdin: StdinKind; signal?: AbortSignal }): Promise<BootedProcess> {
    this.#busy++;
    const leave = await this.#gate.enter();
    try {
      options.signal?.throwIfAborted();
      if (this.#stopping) throw new Error("the run is ending");
      return await this.#boot(options);
    } finally {
      this.#busy--;
      leave();
    }
  }

  /** Kills booting processes, and boots no more. */
  stop(): void {
    this.#stopping = true;
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
    this.#folder?.remove();
    await this.#watchdog.close();
  }

  async #boot(
    { stdin, signal }: { stdin: StdinKind; signal?: AbortSignal },
  ): Promise<BootedProcess> {
    const { program, hostname, reachable, key, willFolder, ports } = this.#options;
    const folder = this.#folder;
    const id = randomId();
    const expected = this.#server.expect();
    const bootstrap = {
      control: this.#server.address,
      token: expected.token,
      socket: folder?.process(id),
      host: reachable || folder === undefined ? hostname : undefined,
      ports: ports && [ports.from, ports.to],
    };
    let child: ChildProcess | undefined;
    const kill = (): void => child?.kill();
    signal?.addEventListener("abort", kill);
    try {
      const env = { DEPLOY_PROCESS: JSON.stringify(bootstrap) };
      const mark = this.#marks.next();
      child = new ChildProcess(program, { env, stdin, mark });
      this.#booting.add(child);
      const { group, exited } = child;
      const watched = this.#watchdog.add(group);
      // The group's id is not reused before the group is gone.
      void exited.then(() => {
        this.#watchdog.remove(group);
        this.#watchdog.left(mark);
        folder?.removeProcess(id);
      });
      const arrival = await Promise.race([expected.arrival, exited.then(() => undefined)]);
      if (arrival === undefined) throw new DeadBootError(child);
      const pid = makePid(id, hostname, arrival.port);
      const willPath = willFolder === null ? null : newWillPath(willFolder);
      arrival.link.send({ type: "welcome", pid, key, will: willPath });
      // It may compute forever as soon as it is told to start.
      await watched;
      return { pid, child, arrival, willPath, sockets: folder?.path };
    } finally {
      signal?.removeEventListener("abort", kill);
      expected.cancel();
      if (child !== undefined) this.#booting.delete(child);
    }
  }
}
