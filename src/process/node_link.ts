/**
 * The process's end of the control link: its requests to the node, and the answers; and how many questions of
 * one kind are asked at a time.
 */

import { ProtocolError } from "../core/errors.ts";
import { Fifo } from "../core/fifo.ts";
import { Conversation } from "../net/conversation.ts";
import type { Transport } from "../net/transport.ts";
import { WriteQueue } from "../net/write_queue.ts";
import {
  type AnswerMessage,
  decodeNodeMessage,
  NODE_MESSAGES,
  type NodeMessage,
  type ProcessMessage,
} from "../wire/control.ts";
import { encodeMessage, MessageDecoder, messageParts } from "../wire/message.ts";

/** The message with the identity of this process. */
export type WelcomeMessage = Extract<NodeMessage, { type: "welcome" }>;

/** The message with the task of this process. */
export type StartMessage = Extract<NodeMessage, { type: "start" }>;

/** The numbered requests. */
type Question = Extract<ProcessMessage, { request: number }>;

/** Their answers. */
interface Answers {
  spawn: Extract<AnswerMessage, { type: "spawned" }>;
  wait: Extract<AnswerMessage, { type: "ended" }>;
  kill: Extract<AnswerMessage, { type: "killed" }>;
  unreached: Extract<AnswerMessage, { type: "probed" }>;
}

/** How much is read at once. Answers are small. */
const READ_BYTES = 16 * 1024;

/**
 * The link of one process to its node.
 *
 * It keeps the process alive until {@linkcode NodeLink.unref} is called. When it breaks, or the node sends
 * an invalid message, `lost` is called, once; pending requests never settle, since the process is about to
 * end.
 */
export class NodeLink {
  readonly #conn: Transport;
  readonly #lost: (cause: unknown) => void;
  readonly #queue: WriteQueue;
  readonly #conversation = new Conversation<Question, Answers>(
    { spawn: ["spawned"], wait: ["ended"], kill: ["killed"], unreached: ["probed"] },
    (question) => this.send(question),
  );
  /** Answers the node's `why`. Set before `start` comes. */
  onWhy: (request: number) => void = () => {};
  readonly #welcome = Promise.withResolvers<WelcomeMessage>();
  readonly #start = Promise.withResolvers<StartMessage>();
  /** The messages of the node that are not answers. */
  readonly #told = new Set<NodeMessage["type"]>();
  #broken = false;

  constructor(conn: Transport, lost: (cause: unknown) => void) {
    this.#conn = conn;
    this.#lost = lost;
    this.#queue = new WriteQueue(conn, (cause) => this.#break(cause));
    this.#read();
  }

  /** Resolves with the identity of this process. */
  get welcome(): Promise<WelcomeMessage> {
    return this.#welcome.promise;
  }

  /** Resolves with the task of this process. */
  get start(): Promise<StartMessage> {
    return this.#start.promise;
  }

  /** Lets the process end while the link is open. */
  unref(): void {
    this.#conn.unref();
  }

  /** Sends a message that has no answer. */
  send(message: ProcessMessage): void {
    for (const part of messageParts(message)) this.#queue.push(part);
  }

  /** Sends a message that may be the last one: this process may end at once. */
  sendLast(message: ProcessMessage): void {
    this.#queue.pushLast(encodeMessage(message));
  }

  /**
   * Sends a request; resolves with the answer, also if that is `failed`.
   *
   * @throws {RangeError} If the request is too large for one control message.
   */
  readonly ask: Conversation<Question, Answers>["ask"] = (question, options) =>
    this.#conversation.ask(question, options);

  async #read(): Promise<void> {
    const decoder = new MessageDecoder({ messages: NODE_MESSAGES });
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
    if (message.type === "why") return this.onWhy(message.request);
    this.#conversation.answer(message);
  }

  #break(cause: unknown): void {
    if (this.#broken) return;
    this.#broken = true;
    this.#lost(cause);
  }
}

interface Waiting {
  readonly bytes: number;
  readonly enter: () => void;
}

/**
 * Lets questions pass in the order in which they came, so many at a time, of so many bytes together; a larger
 * one passes alone. The others wait here, in the memory of the process that asks them: its node, and the master,
 * have few of each process to remember, and to look through.
 */
export class QuestionGate {
  readonly #most: number;
  readonly #mostBytes: number;
  readonly #waiting = new Fifo<Waiting>();
  #inside = 0;
  #bytes = 0;

  constructor(most: number, mostBytes = Infinity) {
    this.#most = most;
    this.#mostBytes = mostBytes;
  }

  /** Waits for a place, for a question of so many bytes; `undefined`: it has one already. */
  enter(bytes = 0): Promise<void> | undefined {
    if (this.#waiting.length === 0 && this.#hasRoom(bytes)) {
      this.#add(bytes);
      return undefined;
    }
    return new Promise((enter) => this.#waiting.push({ bytes, enter }));
  }

  /** A question that had a place, of so many bytes, has been answered. */
  leave(bytes = 0): void {
    this.#inside--;
    this.#bytes -= bytes;
    for (
      let next = this.#waiting.first;
      next !== undefined && this.#hasRoom(next.bytes);
      next = this.#waiting.first
    ) {
      this.#waiting.shift();
      this.#add(next.bytes);
      next.enter();
    }
  }

  #hasRoom(bytes: number): boolean {
    return this.#inside === 0 ||
      (this.#inside < this.#most && this.#bytes + bytes <= this.#mostBytes);
  }

  #add(bytes: number): void {
    this.#inside++;
    this.#bytes += bytes;
  }
}
