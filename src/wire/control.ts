/**
 * The messages of the control link between a process and its node, and the checks of those that a process
 * takes. A node's checks are in process_messages.ts, which no process has to load.
 */

import { messageOf, SpawnError, type SpawnErrorReason } from "../core/errors.ts";
import type { EndStatus } from "../core/exit_status.ts";
import type { InspectMode } from "../core/inspection.ts";
import type { Pid } from "../core/pid.ts";
import type { Resources } from "../core/resources.ts";
import type { PeerTraffic, UnreadChannel, WaitReport } from "../core/waits.ts";
import { decodeMessage } from "./message.ts";
import {
  bool,
  bytes,
  integer,
  key,
  oneOf,
  orNone,
  orNull,
  pid,
  reason,
  resources,
  type Schema,
  status,
  text,
} from "./schema.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** How much a process may change of the environment for one that it spawns: more than Linux allows in all. */
export const MAX_ENVIRONMENT_BYTES = 4 * 1024 * 1024;

/** The messages of a process to its node. `request` numbers the requests of one process. */
export type ProcessMessage =
  /**
   * The first message: the token from the environment, the TCP port the process listens on or `NO_PORT`, and the resources
   * that `init()` was given, for the first process.
   */
  | { type: "hello"; token: string; port: number; resources: Readonly<Resources> }
  /**
   * The function is known and runs now. Before this, the process does not exist for others. `inspector` is the port
   * of its inspector on loopback, if it has opened one.
   */
  | { type: "started"; inspector?: number }
  | {
    type: "spawn";
    request: number;
    /** The registered name of the function to run. */
    function: string;
    /** The displayed name of the process. */
    name: string;
    arg: Bytes;
    resources: Readonly<Resources>;
    /** Whether to wait for room. */
    wait: boolean;
    cwd: string | null;
    env: Bytes | null;
    /** What it may do, as `narrow()` of core takes it; if it is missing, what this process may. */
    permissions?: readonly string[];
  }
  /**
   * Cancels the `spawn` of that number: its process is not started, or is ended if it was; the `spawn` is
   * still answered.
   */
  | { type: "cancel"; request: number }
  | { type: "wait"; request: number; pid: Pid }
  /** The program was given the status of this process, which had failed. */
  | { type: "noticed"; pid: Pid }
  /**
   * It has tried for a while to connect to that process, on another host: why it cannot, in some words. The
   * answer is `probed`.
   */
  | { type: "unreached"; request: number; pid: Pid; why: string }
  /** That process, which may be there, has not got all that this one had taken for it, and will not: why. */
  | { type: "undelivered"; pid: Pid; why: string }
  /**
   * It is about to end, and these channels hold values that nobody has taken. The last such message counts: it may
   * go on after all.
   */
  | { type: "unread"; channels: readonly UnreadChannel[] }
  /** The answer to the `why` of that number: what the process waits for, and what it has sent so far. */
  | ({ type: "waits"; request: number; traffic: readonly PeerTraffic[] } & WaitReport)
  /** It has refused a connection, or broken one off: a line for the log of its node, and what host it is about. */
  | { type: "refused"; host: string; line: string }
  /**
   * End a process: by `signal`, and by SIGKILL after `graceMs`; if `signal` is `null`, by SIGKILL at once.
   * With `descendants`, also its whole subtree of spawned processes.
   */
  | {
    type: "kill";
    request: number;
    pid: Pid;
    signal: Deno.Signal | null;
    graceMs: number;
    descendants: boolean;
  };

/**
 * A failure, as the answer to a request. The reason is that of a `SpawnError` for a spawn, `"unknown"` for
 * others.
 */
export interface FailedMessage {
  type: "failed";
  request: number;
  reason: SpawnErrorReason | "unknown";
  message: string;
}

/** The answers to `spawn`, `wait`, `kill`, and to questions about a process, on any link. */
export type AnswerMessage =
  | { type: "spawned"; request: number; pid: Pid }
  | { type: "ended"; request: number; status: EndStatus }
  | { type: "killed"; request: number }
  /** Whether the OS process still runs: it may have ended before its end can be reported. */
  | { type: "probed"; request: number; runs: boolean }
  | FailedMessage;

/** The messages of a node to a process. */
export type NodeMessage =
  /** The identity of the process. Sent once, as the answer to `hello`. */
  | {
    type: "welcome";
    pid: Pid;
    /** The run's key, 32 bytes, with which processes authenticate each other. */
    key: Bytes;
    /** The path for the will; `null` where no file can be written. */
    will: string | null;
  }
  /** What the process runs. Sent once, at any time after `welcome`. */
  | {
    type: "start";
    parent: Pid | null;
    /** The registered name; `null` for the first process, whose `init()` resolves. */
    function: string | null;
    /** The displayed name of the process. */
    name: string;
    arg: Bytes;
    resources: Readonly<Resources>;
    cwd: string | null;
    env: Bytes | null;
    /** Whether it opens its inspector first. @default no */
    inspect?: InspectMode;
  }
  /** Asks what the process waits for. Answer: `waits`. A computing process does not answer. */
  | { type: "why"; request: number }
  | AnswerMessage;

/** The schema of each {@linkcode AnswerMessage}. */
export const ANSWERS: Schema<AnswerMessage> = {
  spawned: { request: integer, pid },
  ended: { request: integer, status },
  killed: { request: integer },
  probed: { request: integer, runs: bool },
  failed: { request: integer, reason, message: text },
};

/** The schema of each {@linkcode NodeMessage}. */
export const NODE_MESSAGES: Schema<NodeMessage> = {
  welcome: { pid, key, will: orNull(text) },
  start: {
    parent: orNull(pid),
    function: orNull(text),
    name: text,
    arg: bytes,
    resources,
    cwd: orNull(text),
    env: orNull(bytes),
    inspect: orNone(oneOf("open", "break")),
  },
  why: { request: integer },
  ...ANSWERS,
};

/** The answer to a request that failed with `error`. */
export function failedMessage(request: number, error: unknown): FailedMessage {
  const reason = error instanceof SpawnError ? error.reason : "unknown";
  return { type: "failed", request, reason, message: messageOf(error) };
}

/** The error of a failed request, as its caller throws it. */
function errorOf({ reason, message }: FailedMessage): Error {
  return reason === "unknown" ? new Error(message) : new SpawnError(reason, message);
}

/** Returns `answer`, unless the request failed. @throws As {@linkcode errorOf} says. */
export function orThrow<Answer extends { readonly type: string }>(
  answer: Answer | FailedMessage,
): Answer {
  if (isFailed(answer)) throw errorOf(answer);
  return answer;
}

function isFailed(answer: { readonly type: string }): answer is FailedMessage {
  return answer.type === "failed";
}

/** Checks a message of a node. @throws {ProtocolError} If it is not a {@linkcode NodeMessage}. */
export function decodeNodeMessage(body: Bytes): NodeMessage {
  return decodeMessage(NODE_MESSAGES, body);
}
