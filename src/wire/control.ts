/**
 * The control link between a process and its node: which messages there are, and their bytes.
 *
 * A message is a 4-byte big-endian length and that many bytes of the value codec: one object, whose
 * `type` says which message it is. Every message is checked field by field before it is believed.
 */

import { messageOf, SpawnError, type SpawnErrorReason } from "../core/errors.ts";
import type { ExitStatus } from "../core/exit_status.ts";
import type { Pid } from "../core/pid.ts";
import { MiB } from "../core/resources.ts";
import { ProtocolError } from "./protocol_error.ts";
import {
  amount,
  bool,
  bytes,
  checkMessage,
  grace,
  integer,
  key,
  orNull,
  pid,
  port,
  reason,
  type Schema,
  signal,
  status,
  text,
} from "./schema.ts";
import { decode } from "../codec/value_decoder.ts";
import { encode } from "../codec/value_encoder.ts";

export { ProtocolError };

type Bytes = Uint8Array<ArrayBuffer>;

/** What a process tells its node, or asks of it. `request` numbers the questions of one process. */
export type ProcessMessage =
  /**
   * The first message: the token from the environment, the port the process listens on, and the resources
   * that `init()` was given, for the first process.
   */
  | { type: "hello"; token: string; port: number; mem: number; cpu: number }
  /** The function is known, and runs now. Until then the process does not exist for others. */
  | { type: "started" }
  | {
    type: "spawn";
    request: number;
    /** The registered name of the function to run. */
    function: string;
    /** What the process is called where people see it. */
    name: string;
    arg: Bytes;
    mem: number;
    cpu: number;
    /** Whether to wait for room. */
    wait: boolean;
    cwd: string | null;
    env: Bytes | null;
  }
  | { type: "wait"; request: number; pid: Pid }
  /**
   * End a process: by `signal`, and by SIGKILL after `graceMs`; if `signal` is `null`, by SIGKILL at once.
   * With `descendants`, also all that it spawned, and that those spawned, and so on.
   */
  | {
    type: "kill";
    request: number;
    pid: Pid;
    signal: Deno.Signal | null;
    graceMs: number;
    descendants: boolean;
  };

/** What failed, as an answer to a question: of a spawn why; of others, the reason is `"unknown"`. */
export interface FailedMessage {
  type: "failed";
  request: number;
  reason: SpawnErrorReason | "unknown";
  message: string;
}

/** The answers to `spawn`, `wait` and `kill`, whoever asked them of whom. */
export type AnswerMessage =
  | { type: "spawned"; request: number; pid: Pid }
  | { type: "ended"; request: number; status: ExitStatus }
  | { type: "killed"; request: number }
  | FailedMessage;

/** What a node tells a process. */
export type NodeMessage =
  /** Who the process is. It comes once, as the answer to `hello`. */
  | {
    type: "welcome";
    pid: Pid;
    /** The run's key, which processes prove to each other that they hold: 32 bytes. */
    key: Bytes;
    /** The file to leave a will in. */
    will: string;
  }
  /** What the process is to run. It comes once, at any time after `welcome`. */
  | {
    type: "start";
    parent: Pid | null;
    /** The registered name; `null`: the first process, whose `init()` resolves. */
    function: string | null;
    /** What the process is called where people see it. */
    name: string;
    arg: Bytes;
    mem: number;
    cpu: number;
    cwd: string | null;
    env: Bytes | null;
  }
  | AnswerMessage;

/** The largest control message. Only a spawn's argument gets anywhere near it. */
export const MAX_CONTROL_BYTES = 256 * MiB;

/** The largest message of a peer that has not yet shown who it is. */
export const MAX_HELLO_BYTES = 1024;

const LENGTH_BYTES = 4;

const PROCESS_MESSAGES: Schema<ProcessMessage> = {
  hello: { token: text, port, mem: amount, cpu: amount },
  started: {},
  spawn: {
    request: integer,
    function: text,
    name: text,
    arg: bytes,
    mem: amount,
    cpu: amount,
    wait: bool,
    cwd: orNull(text),
    env: orNull(bytes),
  },
  wait: { request: integer, pid },
  kill: { request: integer, pid, signal: orNull(signal), graceMs: grace, descendants: bool },
};

/** What must be in each {@linkcode AnswerMessage}. */
export const ANSWERS: Schema<AnswerMessage> = {
  spawned: { request: integer, pid },
  ended: { request: integer, status },
  killed: { request: integer },
  failed: { request: integer, reason, message: text },
};

const NODE_MESSAGES: Schema<NodeMessage> = {
  welcome: { pid, key, will: text },
  start: {
    parent: orNull(pid),
    function: orNull(text),
    name: text,
    arg: bytes,
    mem: amount,
    cpu: amount,
    cwd: orNull(text),
    env: orNull(bytes),
  },
  ...ANSWERS,
};

/** The answer to a question that failed with `error`. */
export function failedMessage(request: number, error: unknown): FailedMessage {
  const reason = error instanceof SpawnError ? error.reason : "unknown";
  return { type: "failed", request, reason, message: messageOf(error) };
}

/** The error that a question failed with, as whoever asked throws it. */
export function errorOf({ reason, message }: FailedMessage): Error {
  return reason === "unknown" ? new Error(message) : new SpawnError(reason, message);
}

/** Gives `answer`, unless the question failed. @throws As {@linkcode errorOf} says. */
export function orThrow<Answer extends { readonly type: string }>(
  answer: Answer | FailedMessage,
): Answer {
  if (isFailed(answer)) throw errorOf(answer);
  return answer;
}

function isFailed(answer: { readonly type: string }): answer is FailedMessage {
  return answer.type === "failed";
}

/** Gives the bytes of one message, its length in front. */
export function encodeControl(message: { readonly type: string }): Bytes {
  const body = encode(trimmed(message), LENGTH_BYTES);
  if (body.length > MAX_CONTROL_BYTES) {
    throw new RangeError(
      `Cannot send a control message of ${body.length} bytes: ` +
        `at most ${MAX_CONTROL_BYTES} are possible; send large values over a channel`,
    );
  }
  const start = body.byteOffset - LENGTH_BYTES;
  new DataView(body.buffer).setUint32(start, body.length);
  return new Uint8Array(body.buffer, start, LENGTH_BYTES + body.length);
}

/**
 * `value` with nothing but what its views show: the value codec sends the whole buffer of a view, and
 * in that of a part there may be anything.
 */
function trimmed(value: unknown): unknown {
  if (value instanceof Uint8Array) {
    return value.byteLength === value.buffer.byteLength ? value : value.slice();
  }
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(trimmed);
  const copy: Record<string, unknown> = {};
  for (const [name, content] of Object.entries(value)) copy[name] = trimmed(content);
  return copy;
}

/** Checks what a process sent. @throws {ProtocolError} If it is no {@linkcode ProcessMessage}. */
export function decodeProcessMessage(body: Bytes): ProcessMessage {
  return checkMessage(PROCESS_MESSAGES, decode(body));
}

/** Checks what a node sent. @throws {ProtocolError} If it is no {@linkcode NodeMessage}. */
export function decodeNodeMessage(body: Bytes): NodeMessage {
  return checkMessage(NODE_MESSAGES, decode(body));
}

/** Cuts a stream of bytes, in whatever pieces it comes, into the bodies of messages. */
export class ControlDecoder {
  #header = new Uint8Array(LENGTH_BYTES);
  #headerFilled = 0;
  #body: Bytes | undefined;
  #bodyFilled = 0;
  /** The largest body that is accepted; a larger one is refused before anything is allocated. */
  maxBytes: number;

  constructor(maxBytes: number = MAX_CONTROL_BYTES) {
    this.maxBytes = maxBytes;
  }

  /**
   * Takes the next bytes of the stream; yields each body that they complete.
   *
   * @throws {ProtocolError} If a message is larger than `maxBytes`.
   */
  *push(chunk: Uint8Array): Generator<Bytes> {
    let position = 0;
    while (position < chunk.length || this.#body?.length === this.#bodyFilled) {
      if (this.#body === undefined) {
        const part = chunk.subarray(position, position + LENGTH_BYTES - this.#headerFilled);
        this.#header.set(part, this.#headerFilled);
        this.#headerFilled += part.length;
        position += part.length;
        if (this.#headerFilled < LENGTH_BYTES) return;
        const length = new DataView(this.#header.buffer).getUint32(0);
        if (length > this.maxBytes) {
          throw new ProtocolError(
            `a message of ${length} bytes, where ${this.maxBytes} are allowed`,
          );
        }
        this.#body = new Uint8Array(length);
        this.#bodyFilled = 0;
      }
      const part = chunk.subarray(position, position + this.#body.length - this.#bodyFilled);
      this.#body.set(part, this.#bodyFilled);
      this.#bodyFilled += part.length;
      position += part.length;
      if (this.#bodyFilled < this.#body.length) return;
      const body = this.#body;
      this.#body = undefined;
      this.#headerFilled = 0;
      yield body;
    }
  }
}
