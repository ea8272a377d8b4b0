/** What a process waits for, as a value that is requested, sent to a node, and shown. */

import type { Pid } from "./pid.ts";

/**
 * One thing that a process waits for.
 *
 * `select` marks one of the operations of a `select`, any of which is enough.
 *
 * - `recv`: the next value of a channel from `remote`.
 * - `send`: room in the window of a channel to `remote`, with `unreadBytes` in transit or
 *   unread.
 * - `accept`: a channel of that name, from any process.
 * - `wait`: the end of `remote`.
 * - `kill`: the end of `remote`, which this process has requested.
 * - `after`: a timer of `after()`.
 * - `spawn`: the start of a process of that name.
 * - `reach`: a connection to `remote`, which cannot be made, and why not.
 * - `deliver`: this process is ending, and this many bytes have yet to arrive at `remote`.
 */
export type Wait =
  | { readonly kind: "recv"; readonly remote: Pid; readonly name: string; readonly select: boolean }
  | {
    readonly kind: "send";
    readonly remote: Pid;
    readonly name: string;
    readonly select: boolean;
    readonly unreadBytes: number;
    /** Whether the other process has made its Receiver, so that the window is the full one. */
    readonly received: boolean;
  }
  | { readonly kind: "accept"; readonly name: string; readonly select: boolean }
  | { readonly kind: "wait"; readonly remote: Pid; readonly select: boolean }
  | { readonly kind: "kill"; readonly remote: Pid }
  | { readonly kind: "spawn"; readonly name: string }
  | { readonly kind: "after"; readonly select: boolean }
  | {
    readonly kind: "reach";
    readonly remote: Pid;
    readonly address: string;
    readonly why: string;
  }
  | { readonly kind: "deliver"; readonly remote: Pid; readonly bytes: number };

/** The maximum number of waits in a report; of more, only the number is given. */
export const MAX_WAITS = 256;

/** A process's report of what it waits for. */
export interface WaitReport {
  /** The first ones, at most {@linkcode MAX_WAITS}. */
  readonly waits: readonly Wait[];
  /** The total number. */
  readonly count: number;
  /**
   * Grows whenever something is sent to another process or received from one: two equal reports describe
   * the same wait.
   */
  readonly progress: number;
  /** Whether I/O of the program's own may end the waiting. */
  readonly mayWake: boolean;
}

/** What is known of what a process waits for. */
export type WaitState =
  | { readonly state: "waits"; readonly report: WaitReport }
  /** It does not answer, since its code is running: for at most that long. */
  | { readonly state: "computes"; readonly forMs: number }
  /** A signal, such as SIGSTOP, has stopped it. */
  | { readonly state: "stopped" };
