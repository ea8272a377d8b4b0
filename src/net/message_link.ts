/**
 * A connection between two parts of a cluster: checked messages both ways, with heartbeats.
 *
 * It begins after the handshake. Each side says something at least once a second; a side that hears
 * nothing for long takes the connection for lost, since a network that is cut raises no error.
 */

import {
  decodeMessage,
  encodeMessage,
  framed,
  MAX_MESSAGE_BYTES,
  MessageDecoder,
} from "../wire/message.ts";
import { WriteQueue } from "./write_queue.ts";
import { ProtocolError } from "../core/protocol_error.ts";
import type { Schema } from "../wire/schema.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** How often a side that has nothing else to say says that it is there. */
export const HEARTBEAT_MS = 1_000;

/** What is sent then: a message whose type is empty, which no schema has. */
const HEARTBEAT: Bytes = encodeMessage({ type: "" });
type Heartbeat = { type: "" };

/** How much is read at once. */
const READ_BYTES = 64 * 1024;

/** Sends wait while more than this is queued. */
const MAX_QUEUED_BYTES = 256 * 1024;

/** What a link needs of a connection. */
export interface LinkConnection {
  read(buffer: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

export interface MessageLinkOptions<In extends { type: string }> {
  /** What the other side may say. */
  readonly schema: Schema<In>;
  /** After so long without a word the other side is taken for lost. */
  readonly silenceMs: number;
  /** The largest message that is accepted. */
  readonly maxBytes?: number;
}

/** A message as it came. */
export interface Received<In> {
  readonly message: In;
  /** The same as bytes, which may be sent on as they are: see {@linkcode MessageLink.sendBody}. */
  readonly body: Bytes;
}

/** Why a link has ended, for a person: `did not answer for 10 s`, `closed the connection`. */
export class LinkError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "LinkError";
  }
}

/** The same of somebody with a name: `node 10.0.0.3:9999 did not answer for 10 s`. */
export function endOf(who: string, { message }: LinkError | ProtocolError): string {
  const [, rest] = /^it (.*)$/.exec(message) ?? [];
  return rest === undefined ? `${who} is gone: ${message}` : `${who} ${rest}`;
}

/**
 * One end of such a connection.
 *
 * It ends when either side closes it, the connection breaks, the other side falls silent, or sends
 * what is no message; {@linkcode MessageLink.ended} tells which.
 */
export class MessageLink<Out extends { type: string }, In extends { type: string }> {
  /** Resolves, once, when the link has ended, with the reason: for a person, in a few words. */
  readonly ended: Promise<LinkError | ProtocolError>;
  readonly #end: (reason: LinkError | ProtocolError) => void;
  readonly #conn: LinkConnection;
  readonly #options: MessageLinkOptions<In>;
  #over = false;
  readonly #queue: WriteQueue;
  #heardMs = performance.now();
  /** Whether the other side is being listened to: if not, its silence means nothing. */
  #listening = false;
  #spoke = false;
  readonly #timer: ReturnType<typeof setInterval>;

  /** `conn` belongs to the link from now on. */
  constructor(conn: LinkConnection, options: MessageLinkOptions<In>) {
    this.#conn = conn;
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<LinkError | ProtocolError>();
    this.ended = promise;
    this.#end = resolve;
    this.#queue = new WriteQueue(conn, (cause) => {
      this.#finish(new LinkError("the connection broke", { cause }));
    });
    this.#timer = setInterval(() => this.#tick(), HEARTBEAT_MS);
  }

  /** Whether the link has ended. */
  get over(): boolean {
    return this.#over;
  }

  /**
   * Sends a message, after those sent before. Resolves when another one may be sent: whoever sends
   * a lot waits for that, so that it is slowed by the other side; whoever sends a little need not.
   * On a link that has ended, nothing happens.
   *
   * @throws {RangeError} If the message is too large.
   */
  send(message: Out): Promise<void> {
    return this.#push(encodeMessage(message));
  }

  /**
   * As {@linkcode MessageLink.send}, for a message that came from another link or was encoded before:
   * its bytes go on as they are, and must not be changed. It has to be one that this link may carry.
   */
  sendBody(body: Bytes): Promise<void> {
    return this.#push(framed(body));
  }

  /** The messages of the other side, as they come; ends when the link does. For one reader. */
  async *messages(): AsyncGenerator<In, undefined> {
    for await (const { message } of this.received()) yield message;
  }

  /** As {@linkcode MessageLink.messages}, with the bytes of each. Bytes in a message are parts of those. */
  async *received(): AsyncGenerator<Received<In>, undefined> {
    const decoder = new MessageDecoder(this.#options.maxBytes ?? MAX_MESSAGE_BYTES);
    const buffer = new Uint8Array(READ_BYTES);
    const schema = { ...this.#options.schema, "": {} } as Schema<In | Heartbeat>;
    while (!this.#over) {
      const count = await this.#read(buffer);
      if (count === null) return;
      try {
        for (const body of decoder.push(buffer.subarray(0, count))) {
          const message = decodeMessage(schema, body);
          if (message.type === "") continue;
          yield { message: message as In, body };
          if (this.#over) return;
        }
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        return this.#finish(error);
      }
    }
  }

  /** Sends what is queued, then ends the link. */
  async close(): Promise<void> {
    await this.#queue.drained(0);
    this.#finish(new LinkError("the connection was closed here"));
  }

  /** Ends the link at once; `reason` says why, unless it has ended before. */
  drop(reason: LinkError | ProtocolError = new LinkError("the connection was closed here")): void {
    this.#finish(reason);
  }

  #push(bytes: Bytes): Promise<void> {
    if (this.#over) return Promise.resolve();
    this.#spoke = true;
    this.#queue.push(bytes);
    return this.#queue.drained(MAX_QUEUED_BYTES);
  }

  async #read(buffer: Bytes): Promise<number | null> {
    this.#listening = true;
    this.#heardMs = performance.now();
    try {
      const count = await this.#conn.read(buffer);
      if (count === null) this.#finish(new LinkError("it closed the connection"));
      return count;
    } catch (cause) {
      this.#finish(new LinkError("the connection broke", { cause }));
      return null;
    } finally {
      this.#listening = false;
    }
  }

  #tick(): void {
    const silentMs = performance.now() - this.#heardMs;
    if (this.#listening && silentMs > this.#options.silenceMs) {
      const seconds = Math.round(this.#options.silenceMs / 1_000);
      return this.#finish(new LinkError(`it did not answer for ${seconds} s`));
    }
    // While something is being written, that is what the other side hears.
    if (!this.#spoke && this.#queue.bytes === 0) this.#queue.push(HEARTBEAT);
    this.#spoke = false;
  }

  #finish(reason: LinkError | ProtocolError): undefined {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#timer);
    this.#queue.close();
    this.#conn.close();
    this.#end(reason);
  }
}
