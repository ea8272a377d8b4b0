/**
 * A connection between two parts of a cluster: checked messages both ways, with heartbeats.
 *
 * It begins after the handshake. Each side says something from time to time; a side that hears nothing
 * for long takes the connection for lost, since a network that is cut raises no error (see
 * `liveness.ts`).
 */

import {
  decodeMessage,
  encodeMessage,
  framed,
  MAX_MESSAGE_BYTES,
  MessageDecoder,
} from "../wire/message.ts";
import { type Clock, SYSTEM_CLOCK } from "./clock.ts";
import { atHeartbeat, type LivenessOptions, LOCAL_NETWORK } from "./liveness.ts";
import { WriteQueue } from "./write_queue.ts";
import { ProtocolError } from "../core/protocol_error.ts";
import type { Schema } from "../wire/schema.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What a side that has nothing else to say says: a message whose type is empty, which no schema has. */
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
  /** After how long without a word the other side is taken for lost. @default LOCAL_NETWORK */
  readonly liveness?: LivenessOptions | undefined;
  /** Whether this side works for the other one, and so gives it up sooner. @default false */
  readonly works?: boolean;
  /** @default SYSTEM_CLOCK */
  readonly clock?: Clock;
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
  /** Whether the other side only was not heard of: it may be there, behind a network that is cut. */
  readonly isSilence: boolean;

  constructor(message: string, options: ErrorOptions & { isSilence?: boolean } = {}) {
    const { isSilence = false, ...rest } = options;
    super(message, rest);
    this.name = "LinkError";
    this.isSilence = isSilence;
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
  readonly #clock: Clock;
  readonly #silenceMs: number;
  #over = false;
  readonly #queue: WriteQueue;
  #heardMs: number;
  /** Whether the other side is being listened to: if not, its silence means nothing. */
  #listening = false;
  #spoke = false;
  readonly #stopHeartbeat: () => void;

  /** `conn` belongs to the link from now on. */
  constructor(conn: LinkConnection, options: MessageLinkOptions<In>) {
    this.#conn = conn;
    this.#options = options;
    const { liveness = LOCAL_NETWORK, works = false, clock = SYSTEM_CLOCK } = options;
    this.#clock = clock;
    this.#silenceMs = works ? liveness.workerSilenceMs : liveness.silenceMs;
    this.#heardMs = clock.now();
    const { promise, resolve } = Promise.withResolvers<LinkError | ProtocolError>();
    this.ended = promise;
    this.#end = resolve;
    this.#queue = new WriteQueue(conn, (cause) => {
      this.#finish(new LinkError("the connection broke", { cause }));
    });
    this.#stopHeartbeat = clock.every(liveness.heartbeatMs, () => this.#tick());
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
    this.#finish(new LinkError("the connection was closed on this side"));
  }

  /** Ends the link at once; `reason` says why, unless it has ended before. */
  drop(
    reason: LinkError | ProtocolError = new LinkError("the connection was closed on this side"),
  ): void {
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
    this.#heardMs = this.#clock.now();
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
    const state = {
      heardMs: this.#heardMs,
      listening: this.#listening,
      // While something is being written, that is what the other side hears.
      spoke: this.#spoke || this.#queue.bytes > 0,
    };
    const does = atHeartbeat(state, this.#clock.now(), this.#silenceMs);
    if (does === "lost") {
      return this.#finish(
        new LinkError(`it did not answer for ${this.#silenceMs / 1_000} s`, { isSilence: true }),
      );
    }
    if (does === "speak") this.#queue.push(HEARTBEAT);
    this.#spoke = false;
  }

  #finish(reason: LinkError | ProtocolError): undefined {
    if (this.#over) return;
    this.#over = true;
    this.#stopHeartbeat();
    this.#queue.close();
    this.#conn.close();
    this.#end(reason);
  }
}
