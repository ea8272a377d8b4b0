/** What a process waits for, as a value: it is asked for, sent to a node, and shown. */

import type { Pid } from "./pid.ts";

/**
 * One thing that a process waits for.
 *
 * `select` says that it is one of the operations of a `select`, of which one is enough.
 *
 * - `recv`: the next value of a channel from `remote`.
 * - `send`: room in the window of a channel to `remote`, of whose bytes `unreadBytes` are on their way or
 *   unread.
 * - `accept`: a channel of that name, from whichever process.
 * - `wait`: the end of `remote`.
 * - `kill`: the end of `remote`, which this process has asked for.
 * - `spawn`: the start of a process of that name.
 * - `deliver`: this process is ending, and so many bytes have yet to arrive in `remote`.
 */
export type Wait =
  | { readonly kind: "recv"; readonly remote: Pid; readonly name: string; readonly select: boolean }
  | {
    readonly kind: "send";
    readonly remote: Pid;
    readonly name: string;
    readonly select: boolean;
    readonly unreadBytes: number;
  }
  | { readonly kind: "accept"; readonly name: string; readonly select: boolean }
  | { readonly kind: "wait"; readonly remote: Pid; readonly select: boolean }
  | { readonly kind: "kill"; readonly remote: Pid }
  | { readonly kind: "spawn"; readonly name: string }
  | { readonly kind: "deliver"; readonly remote: Pid; readonly bytes: number };

/** A process tells of so many things that it waits for; of more, only the number. */
export const MAX_WAITS = 256;

/** What a process answers when it is asked what it waits for. */
export interface WaitReport {
  /** The first ones, at most {@linkcode MAX_WAITS}. */
  readonly waits: readonly Wait[];
  /** How many there are in all. */
  readonly count: number;
  /**
   * Grows whenever something goes to another process or comes from one: two reports that are the same in
   * everything are of one and the same wait.
   */
  readonly progress: number;
  /** Whether a timer of `after()`, or input or output of the program's own, may end the waiting. */
  readonly mayWake: boolean;
}

/** What is known of what a process waits for. */
export type WaitState =
  | { readonly state: "waits"; readonly report: WaitReport }
  /** It does not answer, since its code is running: for no longer than that. */
  | { readonly state: "computes"; readonly forMs: number }
  /** A signal, such as SIGSTOP, has stopped it. */
  | { readonly state: "stopped" };
