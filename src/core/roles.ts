/**
 * The interfaces between node and master, with or without a socket between them.
 *
 * In a local run both are objects in one OS process, the launcher; in a cluster, each of these
 * calls is a message on an authenticated connection.
 */

import type { EndStatus } from "./exit_status.ts";
import type { Pid } from "./pid.ts";
import type { Resources } from "./resources.ts";
import type { Kill, Termination } from "./signals.ts";
import type { RoomWait } from "./waits.ts";

/**
 * An encoded argument that stays at the node of the spawning process until the node of the new
 * process fetches it, or the spawn fails.
 */
export interface HeldArg {
  /** The address of the node that holds it. */
  readonly node: string;
  readonly id: string;
  /** Its size in bytes. */
  readonly size: number;
}

/** An encoded argument, or its location. */
export type CarriedArg = Uint8Array<ArrayBuffer> | HeldArg;

/**
 * A request for a new process. In a cluster, `Arg` is
 * {@linkcode CarriedArg} between its nodes.
 */
export interface SpawnRequest<Arg = Uint8Array<ArrayBuffer>> {
  /** The parent; `null` for the first process of a run. */
  readonly parent: Pid | null;
  /** The registered name of the function to run; `null` for the first process, which runs the module. */
  readonly function: string | null;
  /** The name that is shown to people. */
  readonly name: string;
  /** The argument, encoded by the value codec; empty for the first process. */
  readonly arg: Arg;
  readonly resources: Readonly<Resources>;
  /** The working directory of the parent; `null` to stay where the program was started. */
  readonly cwd: string | null;
  /**
   * The differences of the parent's environment from the one that the program was started with: the
   * value codec's bytes of a `Record<string, string | null>`, `null` for a variable that was deleted.
   */
  readonly env: Uint8Array<ArrayBuffer> | null;
  /**
   * What the process may do at most, as flags of `deno run` that name all that is allowed; if they are missing, what
   * its program may. Its node may allow less.
   */
  readonly permissions?: readonly string[];
}

/** What messages call the process of a request: `worker()` by its function, or `the first process`. */
export function requestedProcess({ function: fn }: Pick<SpawnRequest, "function">): string {
  return fn === null ? "the first process" : `${fn}()`;
}

/** Whether and how long a spawn waits for room. */
export interface SpawnWaiting {
  readonly wait: boolean;
  readonly signal?: AbortSignal;
  /**
   * Called if there is no room at once, so that the spawn waits, with a function that tells why, as it is when
   * that is called; `undefined` once it waits no longer.
   */
  readonly onWait?: (why: () => RoomWait | undefined) => void;
}

/** A process that has been started. */
export interface Launched {
  readonly pid: Pid;
  /** Resolves when it has ended; never rejects. Its node then keeps nothing of it. */
  readonly ended: Promise<EndStatus>;
}

/** A node as used by the master: one run's processes on one machine. */
export interface NodePort<Arg = Uint8Array<ArrayBuffer>> {
  /**
   * Starts a process; resolves once it is about to run its function and can be talked to.
   *
   * @throws {SpawnError} `not-started` or `lost`.
   */
  launch(request: SpawnRequest<Arg>): Promise<Launched>;
  /**
   * Ends a process and the OS processes it started without `spawn`; resolves when they are gone, with whether
   * it was still running. Without `how`, by SIGKILL.
   */
  kill(pid: Pid, how?: Termination): Promise<boolean>;
  /** Whether the OS process still runs. It may have ended before its end can be reported. */
  runs(pid: Pid): Promise<boolean>;
}

/** The master as used by a node for the processes that it hosts. */
export interface MasterPort<Arg = Uint8Array<ArrayBuffer>> {
  /**
   * Places a process on a node and starts it there. With `wait`, waits for room; without, throws.
   * When `signal` is aborted, the process is no longer wanted, and the wait for room is cancelled.
   *
   * @throws {SpawnError} `no-capacity` (only without `wait`), `unsatisfiable`, `not-started`, `lost`.
   */
  spawn(request: SpawnRequest<Arg>, options: SpawnWaiting): Promise<Pid>;
  /**
   * Resolves with how a process on any node ended: when it ends, or at once if it has ended.
   *
   * At least the latest million ended processes are kept.
   *
   * @throws {Error} If the run has no such process, or it is no longer kept.
   */
  wait(pid: Pid): Promise<EndStatus>;
  /**
   * Like {@linkcode NodePort.kill}, for a process on any node; with `descendants`, also for all its
   * descendants, on all nodes. Resolves with those that were still running.
   *
   * @throws {Error} As {@linkcode MasterPort.wait}.
   */
  kill(pid: Pid, how?: Kill): Promise<Pid[]>;
  /**
   * Like {@linkcode NodePort.runs}, for a process on any node.
   *
   * @throws {Error} As {@linkcode MasterPort.wait}.
   */
  runs(pid: Pid): Promise<boolean>;
}
