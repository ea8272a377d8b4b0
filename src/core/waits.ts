/**
 * What a process waits for, what it has sent, and what it has not taken, as values that are requested, sent to a
 * node, and shown.
 */

import type { Pid } from "./pid.ts";
import type { Resources } from "./resources.ts";

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

/** What a process has sent to another one so far. */
export interface PeerTraffic {
  readonly remote: Pid;
  /** How many values it has sent. */
  readonly values: number;
  /** The size of that as it travels, in bytes, with what is said about channels. */
  readonly bytes: number;
  /** The names of channels whose window is full, at most {@linkcode MAX_FULL}, cut to {@linkcode MAX_NAME}. */
  readonly full: readonly string[];
}

/** The most peers in one sample of a process. */
export const MAX_PEERS = 512;

/** The most names of full channels for one peer. */
export const MAX_FULL = 8;

/** The longest name of a channel in a sample, in UTF-16 code units. */
export const MAX_NAME = 64;

/** Values of one channel that had arrived when the process ended, and that nobody had taken. */
export interface UnreadChannel {
  /** The process that had sent them. */
  readonly remote: Pid;
  /** The name of the channel, cut to {@linkcode MAX_NAME}. */
  readonly name: string;
  readonly values: number;
  /** Their size as they travelled. */
  readonly bytes: number;
}

/** The most channels of one process of which that is told. */
export const MAX_UNREAD = 64;

/** What is known of what a process waits for. */
export type WaitState =
  | { readonly state: "waits"; readonly report: WaitReport }
  /** It does not answer, since its code is running: for at most that long. */
  | { readonly state: "computes"; readonly forMs: number }
  /**
   * It does not answer, and does not compute: a call blocks it, or, if it has an inspector, it may stand at a
   * breakpoint. On a very busy machine, it may only be slow.
   */
  | { readonly state: "silent"; readonly inspected: boolean }
  /** A signal, such as SIGSTOP, has stopped it. */
  | { readonly state: "stopped" };

/** A node, and what it has free. */
export interface FreeRoom {
  readonly node: string;
  readonly free: Readonly<Resources>;
}

/** Why a spawn waits for room. */
export interface RoomWait {
  /** How many older requests wait, of all runs. */
  readonly before: number;
  /**
   * Of the nodes that are large enough, the one with the most free for this request; `undefined` if there is
   * none, or each is reserved for another request.
   */
  readonly closest: FreeRoom | undefined;
}

/** A spawn that waits for room, and why, as {@linkcode RoomWait}. */
export interface WaitingSpawn {
  /** The process that spawns; `null` for the first process of a run. */
  readonly parent: Pid | null;
  /** The name of the process to be. */
  readonly name: string;
  readonly resources: Readonly<Resources>;
  readonly before: number;
  readonly closest: FreeRoom | null;
}
