/**
 * The messages of the control link between a process and its node, and the checks of those that a process
 * takes. A node's checks are in process_messages.ts, which no process has to load.
 */

import { messageOf, SpawnError, type SpawnErrorReason } from "../core/errors.ts";
import type { ExitStatus } from "../core/exit_status.ts";
import type { Pid } from "../core/pid.ts";
import type { Resources } from "../core/resources.ts";
import type { WaitReport } from "../core/waits.ts";
import { decodeMessage } from "./message.ts";
import {
  bytes,
  integer,
  key,
  orNull,
  pid,
  reason,
  resources,
  type Schema,
  status,
  text,
} from "./schema.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The messages of a process to its node. `request` numbers the requests of one process. */
export type ProcessMessage =
  /**
   * The first message: the token from the environment, the TCP port the process listens on or `NO_PORT`, and the resources
   * that `init()` was given, for the first process.
   */
  | { type: "hello"; token: string; port: number; resources: Readonly<Resources> }
  /** The function is known and runs now. Before this, the process does not exist for others. */
  | { type: "started" }
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
  }
  /**
   * Cancels the `spawn` of that number: its process is not started, or is ended if it was; the `spawn` is
   * still answered.
   */
  | { type: "cancel"; request: number }
  | { type: "wait"; request: number; pid: Pid }
  /** The program was given the status of this process, which had failed. */
  | { type: "noticed"; pid: Pid }
  /** The answer to the `why` of that number: what the process waits for. */
  | ({ type: "waits"; request: number } & WaitReport)
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

/** The answers to `spawn`, `wait` and `kill`, on any link. */
export type AnswerMessage =
  | { type: "spawned"; request: number; pid: Pid }
  | { type: "ended"; request: number; status: ExitStatus }
  | { type: "killed"; request: number }
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
  }
  /** Asks what the process waits for. Answer: `waits`. A computing process does not answer. */
  | { type: "why"; request: number }
  | AnswerMessage;

/** The schema of each {@linkcode AnswerMessage}. */
export const ANSWERS: Schema<AnswerMessage> = {
  spawned: { request: integer, pid },
  ended: { request: integer, status },
  killed: { request: integer },
  failed: { request: integer, reason, message: text },
};

const NODE_MESSAGES: Schema<NodeMessage> = {
  welcome: { pid, key, will: orNull(text) },
  start: {
    parent: orNull(pid),
    function: orNull(text),
    name: text,
    arg: bytes,
    resources,
    cwd: orNull(text),
    env: orNull(bytes),
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
export function errorOf({ reason, message }: FailedMessage): Error {
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
