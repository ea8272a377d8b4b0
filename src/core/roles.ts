/**
 * What node and master ask of each other, whether or not a socket lies between them.
 *
 * In a local run both are objects in one OS process, the launcher; in a cluster, each of these
 * calls is a message on an authenticated connection.
 */

import type { ExitStatus } from "./exit_status.ts";
import type { Pid } from "./pid.ts";
import type { Resources } from "./resources.ts";
import type { Kill, Termination } from "./signals.ts";

/**
 * An encoded argument that stays with the node whose process spawns, until the node that hosts the new
 * process fetches it, or the spawn has failed.
 */
export interface HeldArg {
  /** The address of the node that has it. */
  readonly node: string;
  readonly id: string;
  /** How many bytes it has. */
  readonly size: number;
}

/** An encoded argument, or where it is. */
export type CarriedArg = Uint8Array<ArrayBuffer> | HeldArg;

/**
 * Everything that makes a new process the one that was asked for. In a cluster, `Arg` is
 * {@linkcode CarriedArg} between its nodes.
 */
export interface SpawnRequest<Arg = Uint8Array<ArrayBuffer>> {
  /** Who asked; `null` for the first process of a run. */
  readonly parent: Pid | null;
  /** The registered name of the function to run; `null` for the first process, which runs on. */
  readonly function: string | null;
  /** What the process is called where people see it. */
  readonly name: string;
  /** The argument, encoded by the value codec; empty for the first process. */
  readonly arg: Arg;
  readonly resources: Readonly<Resources>;
  /** The working directory of the parent; `null` to stay where the program was started. */
  readonly cwd: string | null;
  /**
   * What differs in the parent's environment from the one that the program was started with: the
   * value codec's bytes of a `Record<string, string | null>`, `null` for a variable that was deleted.
   */
  readonly env: Uint8Array<ArrayBuffer> | null;
}

/** Whether and how long a spawn waits for room. */
export interface SpawnWaiting {
  readonly wait: boolean;
  readonly signal?: AbortSignal;
  /** Is called if there is no room at once, so that it waits. */
  readonly onWait?: () => void;
}

/** A process that has been started. */
export interface Launched {
  readonly pid: Pid;
  /** Resolves when it has ended; never rejects. Its node keeps nothing of it then. */
  readonly ended: Promise<ExitStatus>;
}

/** A node, as the master uses it: one run's processes on one machine. */
export interface NodePort<Arg = Uint8Array<ArrayBuffer>> {
  /**
   * Starts a process; resolves once it is about to run its function and can be talked to.
   *
   * @throws {SpawnError} `not-started` or `lost`.
   */
  launch(request: SpawnRequest<Arg>): Promise<Launched>;
  /**
   * Ends a process, and what it started but did not spawn; resolves when it is gone, with whether it was
   * still there. Without `how`, by SIGKILL.
   */
  kill(pid: Pid, how?: Termination): Promise<boolean>;
}

/** The master, as a node uses it for the processes that it hosts. */
export interface MasterPort<Arg = Uint8Array<ArrayBuffer>> {
  /**
   * Places a process on a node and starts it there. With `wait`, waits for room; without, throws.
   * When `signal` is aborted, nobody wants the process any more: it does not wait for room any longer.
   *
   * @throws {SpawnError} `no-capacity` (only without `wait`), `unsatisfiable`, `not-started`, `lost`.
   */
  spawn(request: SpawnRequest<Arg>, options: SpawnWaiting): Promise<Pid>;
  /**
   * Resolves with how a process on any node ended: when it has, or at once if it had before.
   *
   * Of the processes that have ended the latest million are remembered, at least.
   *
   * @throws {Error} If the run has no such process, or it is not remembered.
   */
  wait(pid: Pid): Promise<ExitStatus>;
  /**
   * As {@linkcode NodePort.kill}, for a process on any node; with `descendants`, also for all that descend
   * from it, on whichever nodes they are. Resolves with those that were still there.
   *
   * @throws {Error} As {@linkcode MasterPort.wait}.
   */
  kill(pid: Pid, how?: Kill): Promise<Pid[]>;
}
