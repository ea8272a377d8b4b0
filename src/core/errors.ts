/**
 * The errors that a user's program can catch and distinguish, the one for input that violates the protocol,
 * and the message of any error.
 */

import type { ExitStatus } from "./exit_status.ts";
import type { Pid } from "./pid.ts";

/** Why a spawn failed. See {@linkcode SpawnError}. */
export type SpawnErrorReason =
  | "no-capacity"
  | "unsatisfiable"
  | "unregistered"
  | "invalid"
  | "not-started"
  | "lost";

/**
 * A process was not spawned. `reason` says why:
 *
 * - `no-capacity`: only from `trySpawn`; no node has room now.
 * - `unsatisfiable`: no node is that large, even when empty.
 * - `unregistered`: the function is known neither to `init()` nor to `spawnable()`.
 * - `invalid`: a resource is negative, NaN, or not a number; or permissions are asked for that this process does
 *   not have itself.
 * - `not-started`: the process died before it ran the function; the message holds its exit status
 *   and the last lines that it wrote to stderr.
 * - `lost`: the node or the master went away. The message says whether the process had started, where that is
 *   known; otherwise it may have.
 *
 * @example
 * ```ts
 * import { SpawnError } from "deploy";
 *
 * const error = new SpawnError("no-capacity", "Cannot spawn work(): no node has 1 GiB free");
 * console.log(error.reason); // no-capacity
 * ```
 */
export class SpawnError extends Error {
  /** Why the spawn failed. */
  readonly reason: SpawnErrorReason;

  /** Made by `spawn` and `trySpawn`; a program that imitates them, as in a test, can make one too. */
  constructor(reason: SpawnErrorReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SpawnError";
    this.reason = reason;
  }
}

/** How a channel ended. See {@linkcode ChannelError}. */
export type ChannelErrorKind = "closed" | "exited" | "failed" | "aborted" | "lost";

/** Further facts about the end of a channel. */
export interface ChannelErrorOptions extends ErrorOptions {
  /** How the remote process ended, if that is the reason and it is known. */
  status?: ExitStatus;
}

/**
 * A channel can carry nothing more. `kind` says why:
 *
 * - `closed`: one of its ends was closed.
 * - `exited`: the remote process ended with success, that is, with exit code 0.
 * - `failed`: the remote process ended by itself without success: it threw, or exited with another
 *   code than 0. What it would still have sent is missing.
 * - `aborted`: the sending process called `abort(reason)`, or aborted `writable`; `cause` is a copy of
 *   the reason.
 * - `lost`: a signal or its node ended the remote process, or its node or the network went away.
 *
 * `for await` and `readable` end cleanly after `closed` and `exited`, and throw for the others.
 *
 * @example
 * ```ts
 * import { ChannelError, type Pid } from "deploy";
 *
 * const remote = "8a3be21f00d1c0ffee8a3be21f00d1c0@127.0.0.1:4100" as Pid;
 * const error = new ChannelError("failed", remote, "the process failed", { status: { code: 3 } });
 * console.log(error.kind, error.status); // failed { code: 3 }
 * ```
 */
export class ChannelError extends Error {
  /** How the channel ended. */
  readonly kind: ChannelErrorKind;
  /** The process at the other end. */
  readonly remote: Pid;
  /** How the remote process ended, where the kind is `exited`, `failed` or `lost` and it is known. */
  readonly status?: ExitStatus;

  /** Made by channels; a program that imitates them, as in a test, can make one too. */
  constructor(kind: ChannelErrorKind, remote: Pid, message: string, options?: ChannelErrorOptions) {
    super(message, options);
    this.name = "ChannelError";
    this.kind = kind;
    this.remote = remote;
    if (options?.status !== undefined) this.status = options.status;
  }
}

/** The message of `error`, or its text if it is not an `Error`, since any value can be thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A function or a class of the runtime that a program calls. */
// The one type that every function has, whatever its parameters.
// deno-lint-ignore no-explicit-any -- any function
export type Operation = ((...args: any[]) => unknown) | (abstract new (...args: any[]) => unknown);

/**
 * Makes the stack of `error` begin at the caller of `operation`, which is running: the line of the
 * program, not those of the runtime that found the fault. Returns `error`.
 */
export function atCaller<E extends Error>(error: E, operation: Operation): E {
  Error.captureStackTrace(error, operation);
  return error;
}

/**
 * Records the line that called `operation`, which is running, for an error that occurs later, when
 * that line is no longer on the stack. It takes 5 to 15 microseconds: see {@linkcode CallSites} where that is too much.
 */
export function callSite(operation: Operation): Error {
  return atCaller(new Error(), operation);
}

/**
 * Call sites of functions that may be called a million times a second: only the first waits get one.
 *
 * For later ones, V8 knows which function awaits the promise, which is the caller
 * if it awaits at once: see {@linkcode settledAt}. A small round trip would take half as long again if
 * every wait recorded its call site.
 */
export class CallSites {
  #left = 100;

  /** The call site, or `undefined` once enough have been recorded. */
  take(operation: Operation): Error | undefined {
    if (this.#left === 0) return undefined;
    this.#left--;
    return callSite(operation);
  }
}

/**
 * Settles like `waiting`. An error gets the stack of `site`; or, without one, a stack that begins where
 * the program awaits the returned promise.
 *
 * @param signal Its reason, if it is aborted, is passed on unchanged.
 */
export async function settledAt<T>(
  waiting: Promise<T>,
  site: Error | undefined,
  signal: AbortSignal | undefined,
): Promise<T> {
  try {
    return await waiting;
  } catch (error) {
    if (signal?.aborted && error === signal.reason) throw error;
    throw site === undefined ? atCaller(error as Error, settledAt) : errorAt(site, error as Error);
  }
}

/**
 * Gives `error` the stack of a {@linkcode callSite}, which is consumed.
 *
 * The result is the call site itself, turned into `error`: for an uncaught error Deno prints what was
 * recorded with its stack, not the text of `stack`, so copying that text is not enough.
 */
export function errorAt<E extends Error>(site: Error, error: E): E {
  const { stack: _stack, ...properties } = Object.getOwnPropertyDescriptors(error);
  Object.setPrototypeOf(site, Object.getPrototypeOf(error));
  return Object.defineProperties(site, properties) as E;
}

/** Whether a call of the system failed since this process, or its machine, may open no more files. */
export function lacksFiles(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "EMFILE" || code === "ENFILE";
}

/** A peer sent something that the protocol does not allow; its connection is to be dropped. */
export class ProtocolError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ProtocolError";
  }
}
