/** The process's end of the control link: what it asks its node, and what the node answers. */

import {
  ControlDecoder,
  decodeNodeMessage,
  encodeControl,
  type NodeMessage,
  type ProcessMessage,
  ProtocolError,
} from "../wire/control.ts";
import { writeAll } from "../net/handshake.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The message that says who this process is. */
export type WelcomeMessage = Extract<NodeMessage, { type: "welcome" }>;

/** The message that says what this process is to run. */
export type StartMessage = Extract<NodeMessage, { type: "start" }>;

/** What can be asked; the link numbers it. */
export type Question = Unnumbered<Extract<ProcessMessage, { request: number }>>;
type Unnumbered<Message> = Message extends unknown ? Omit<Message, "request"> : never;

type Failure = Extract<NodeMessage, { type: "failed" }>;

/** Which message answers which question, when it does not fail. */
interface Answers {
  spawn: Extract<NodeMessage, { type: "spawned" }>;
  wait: Extract<NodeMessage, { type: "ended" }>;
  kill: Extract<NodeMessage, { type: "killed" }>;
}

const ANSWERS = { spawn: "spawned", wait: "ended", kill: "killed" } as const;

interface Pending {
  answer: string;
  resolve(message: NodeMessage): void;
}

/** How large a piece of the link is read at once. Answers are small. */
const READ_BYTES = 16 * 1024;

/**
 * The link of one process to its node.
 *
 * It keeps the process alive until {@linkcode NodeLink.unref} is called. When it breaks, or the node
 * sends what is no message, `lost` is called, once; what is pending never settles, since the process
 * is about to end.
 */
export class NodeLink {
  readonly #conn: Deno.TcpConn;
  readonly #lost: (cause: unknown) => void;
  readonly #pending = new Map<number, Pending>();
  readonly #welcome = Promise.withResolvers<WelcomeMessage>();
  readonly #start = Promise.withResolvers<StartMessage>();
  /** What the node has said without being asked. */
  readonly #told = new Set<NodeMessage["type"]>();
  #requests = 0;
  #queue: Bytes[] = [];
  #writing = false;
  #broken = false;

  constructor(conn: Deno.TcpConn, lost: (cause: unknown) => void) {
    this.#conn = conn;
    this.#lost = lost;
    conn.setNoDelay(true);
    this.#read();
  }

  /** Resolves with who this process is. */
  get welcome(): Promise<WelcomeMessage> {
    return this.#welcome.promise;
  }

  /** Resolves with what this process is to run. */
  get start(): Promise<StartMessage> {
    return this.#start.promise;
  }

  /** Makes an open link not keep the process alive. */
  unref(): void {
    this.#conn.unref();
  }

  /** Sends a message that has no answer. */
  send(message: ProcessMessage): void {
    this.#queue.push(encodeControl(message));
    if (!this.#writing) this.#write();
  }

  /**
   * Asks something; resolves with the answer, also when that is a failure.
   *
   * @throws {RangeError} If the question is too large for one control message.
   */
  ask<Type extends Question["type"]>(
    question: Extract<Question, { type: Type }>,
  ): Promise<Answers[Type] | Failure> {
    const request = this.#requests++;
    const { promise, resolve } = Promise.withResolvers<NodeMessage>();
    this.send({ ...question, request } as ProcessMessage);
    this.#pending.set(request, { answer: ANSWERS[question.type], resolve });
    return promise as Promise<Answers[Type] | Failure>;
  }

  /** Writes what is queued, one write at a time: a second one would cut into a short first one. */
  async #write(): Promise<void> {
    this.#writing = true;
    try {
      for (let bytes = this.#queue.shift(); bytes !== undefined; bytes = this.#queue.shift()) {
        await writeAll(this.#conn, bytes);
      }
      this.#writing = false;
    } catch (cause) {
      this.#break(cause);
    }
  }

  async #read(): Promise<void> {
    const decoder = new ControlDecoder();
    const buffer = new Uint8Array(READ_BYTES);
    try {
      for (let count = await this.#conn.read(buffer); count !== null;) {
        for (const body of decoder.push(buffer.subarray(0, count))) {
          this.#take(decodeNodeMessage(body));
        }
        count = await this.#conn.read(buffer);
      }
      this.#break(new Error("the node closed the control link"));
    } catch (cause) {
      this.#break(cause);
    }
  }

  #take(message: NodeMessage): void {
    if (message.type === "welcome" || message.type === "start") {
      if (this.#told.has(message.type)) throw new ProtocolError(`a second ${message.type} message`);
      this.#told.add(message.type);
      if (message.type === "welcome") return this.#welcome.resolve(message);
      if (!this.#told.has("welcome")) throw new ProtocolError('"start" before "welcome"');
      return this.#start.resolve(message);
    }
    const pending = this.#pending.get(message.request);
    if (pending === undefined || (message.type !== "failed" && message.type !== pending.answer)) {
      throw new ProtocolError(`a "${message.type}" message that nobody asked for`);
    }
    this.#pending.delete(message.request);
    pending.resolve(message);
  }

  #break(cause: unknown): void {
    if (this.#broken) return;
    this.#broken = true;
    this.#lost(cause);
  }
}
