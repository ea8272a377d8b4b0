/**
 * A connection between two parts of a cluster: checked messages both ways, with heartbeats.
 *
 * It begins after the handshake. Each side sends heartbeats; a side that receives nothing for too long
 * considers the connection lost, since a cut network raises no error (see `liveness.ts`).
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
import { ProtocolError } from "../core/errors.ts";
import type { Schema } from "../wire/schema.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The heartbeat: a message whose type is empty, which is in no schema. */
const HEARTBEAT: Bytes = encodeMessage({ type: "" });
type Heartbeat = { type: "" };

/** For which share of a heartbeat a process that has stood still reads before it judges. */
const LOOK_SHARE = 1 / 10;

/** How much is read at once. */
const READ_BYTES = 64 * 1024;

/** More than this is followed by more, usually, which the other side's system does not hold back. */
const SMALL_READ_BYTES = 16 * 1024;

/** Sends wait while more than this is queued. */
const MAX_QUEUED_BYTES = 256 * 1024;

/** The part of a connection that a link needs. */
export interface LinkConnection {
  read(buffer: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
  /** As in `Transport`. */
  readonly answersAtOnce?: boolean;
}

export interface MessageLinkOptions<In extends { type: string }> {
  /** The messages that the other side may send. */
  readonly schema: Schema<In>;
  /** The heartbeat interval and the silence limits. @default LOCAL_NETWORK */
  readonly liveness?: LivenessOptions | undefined;
  /** Whether this side works for the other, and so gives it up sooner. @default false */
  readonly works?: boolean;
  /** Whether nothing depends on the link at first: see {@linkcode MessageLink.matters}. @default false */
  readonly idle?: boolean;
  /** @default SYSTEM_CLOCK */
  readonly clock?: Clock;
  /** The largest message that is accepted. */
  readonly maxBytes?: number;
}

/** A message as it arrived. */
export interface Received<In> {
  readonly message: In;
  /** The same as bytes, which may be forwarded unchanged: see {@linkcode MessageLink.sendBody}. */
  readonly body: Bytes;
}

/** Why a link has ended, for a person: `did not answer for 10 s`, `closed the connection`. */
export class LinkError extends Error {
  /** Whether the other side was only silent: it may still run, behind a cut network. */
  readonly isSilence: boolean;

  constructor(message: string, options: ErrorOptions & { isSilence?: boolean } = {}) {
    const { isSilence = false, ...rest } = options;
    super(message, rest);
    this.name = "LinkError";
    this.isSilence = isSilence;
  }
}

/** Such a reason with the name of the other side: `node 10.0.0.3:9999 did not answer for 10 s`. */
export function endOf(who: string, { message }: { readonly message: string }): string {
  const [, rest] = /^it (.*)$/.exec(message) ?? [];
  return rest === undefined ? `${who} is gone: ${message}` : `${who} ${rest}`;
}

/**
 * One end of such a connection.
 *
 * It ends when either side closes it, the connection breaks, or the other side falls silent or sends an
 * invalid message; {@linkcode MessageLink.ended} tells which.
 */
export class MessageLink<Out extends { type: string }, In extends { type: string }> {
  /** Resolves, once, when the link has ended, with the reason: for a person, in a few words. */
  readonly ended: Promise<LinkError | ProtocolError>;
  readonly #end: (reason: LinkError | ProtocolError) => void;
  readonly #conn: LinkConnection;
  readonly #options: MessageLinkOptions<In>;
  readonly #clock: Clock;
  readonly #liveness: LivenessOptions;
  #isIdle: boolean;
  #over = false;
  readonly #queue: WriteQueue;
  #heardMs: number;
  /** Whether the other side is being listened to: if not, its silence means nothing. */
  #listening = false;
  #spoke = false;
  /** When the last heartbeat was due. */
  #tickedMs: number;
  /** While it is looked whether something came before this process stood still: the end if nothing did. */
  #silence: LinkError | undefined;
  #stopLook: () => void = () => {};
  readonly #stopHeartbeat: () => void;

  /** `conn` belongs to the link from now on. */
  constructor(conn: LinkConnection, options: MessageLinkOptions<In>) {
    this.#conn = conn;
    this.#options = options;
    const { liveness = LOCAL_NETWORK, idle = false, clock = SYSTEM_CLOCK } = options;
    this.#clock = clock;
    this.#liveness = liveness;
    this.#isIdle = idle;
    this.#heardMs = this.#tickedMs = clock.now();
    const { promise, resolve } = Promise.withResolvers<LinkError | ProtocolError>();
    this.ended = promise;
    this.#end = resolve;
    this.#queue = new WriteQueue(conn, (cause) => {
      this.#finish(this.#silence ?? new LinkError("the connection broke", { cause }));
    });
    this.#stopHeartbeat = clock.every(liveness.heartbeatMs, () => this.#tick());
  }

  /** Whether the link has ended. */
  get over(): boolean {
    return this.#over;
  }

  /** From now on something depends on the link, and the other side is given up after the usual silence. */
  matters(): void {
    this.#isIdle = false;
  }

  /** For how long this side bears the silence of the other one. */
  get #silenceMs(): number {
    const { idleSilenceMs, workerSilenceMs, silenceMs } = this.#liveness;
    if (this.#isIdle) return idleSilenceMs;
    return this.#options.works ? workerSilenceMs : silenceMs;
  }

  /** How long nothing has come from the other side, in ms; 0 while this side does not listen. */
  get silentMs(): number {
    return this.#listening ? this.#clock.now() - this.#heardMs : 0;
  }

  /**
   * Sends a message, after those sent before. Resolves when another one may be sent. Callers that send a
   * lot wait for that, for backpressure; others need not. Does nothing on a link that has ended.
   *
   * @throws {RangeError} If the message is too large.
   */
  send(message: Out): Promise<void> {
    return this.#push(encodeMessage(message));
  }

  /**
   * As {@linkcode MessageLink.send}, for a message that came from another link or was encoded before: its
   * bytes are sent unchanged, and must not be modified. The schema of this link has to include it.
   */
  sendBody(body: Bytes): Promise<void> {
    return this.#push(framed(body));
  }

  /** As {@linkcode MessageLink.send}, for the bytes that `encodeMessage` gave; they must not be modified. */
  sendFrame(frame: Bytes): Promise<void> {
    return this.#push(frame);
  }

  /** Yields the messages of the other side as they come; ends when the link does. For one reader. */
  async *messages(): AsyncGenerator<In, undefined> {
    for await (const { message } of this.received()) yield message;
  }

  /** As {@linkcode MessageLink.messages}, with the bytes of each. Bytes in a message are views of those. */
  async *received(): AsyncGenerator<Received<In>, undefined> {
    const { maxBytes = MAX_MESSAGE_BYTES } = this.#options;
    const schema = { ...this.#options.schema, "": {} } as Schema<In | Heartbeat>;
    const decoder = new MessageDecoder({ messages: schema, maxBytes });
    const buffer = new Uint8Array(READ_BYTES);
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

  /** Ends the link at once; `reason` is the reason, unless it has already ended. */
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
      if (count === null) this.#finish(this.#silence ?? new LinkError("it closed the connection"));
      else if (this.#conn.answersAtOnce === true && count < SMALL_READ_BYTES) this.#answer();
      return count;
    } catch (cause) {
      this.#finish(this.#silence ?? new LinkError("the connection broke", { cause }));
      return null;
    } finally {
      this.#listening = false;
    }
  }

  /** The other side's next write waits for something from this side, unless that is on its way. */
  #answer(): void {
    if (this.#queue.bytes === 0) this.#queue.push(HEARTBEAT);
  }

  #tick(): void {
    const { heartbeatMs, idleSilenceMs, silenceMs } = this.#liveness;
    const nowMs = this.#clock.now();
    const tickMs = nowMs - this.#tickedMs;
    const state = {
      heardMs: this.#heardMs,
      listening: this.#listening,
      // A write in progress serves as a heartbeat.
      spoke: this.#spoke || this.#queue.bytes > 0,
      // After a longer time, the other side has given this one up.
      stood: tickMs > 2 * heartbeatMs && tickMs < (this.#isIdle ? idleSilenceMs : silenceMs),
    };
    this.#tickedMs = nowMs;
    const does = atHeartbeat(state, nowMs, this.#silenceMs);
    if (does === "lost") return this.#finish(this.#silent());
    if (does === "look") this.#look(heartbeatMs * LOOK_SHARE);
    if (does !== "nothing") this.#queue.push(HEARTBEAT);
    this.#spoke = false;
  }

  /**
   * Reads for that long before silence counts. If the other side turns out to have ended the link meanwhile, that is
   * because of the silence, too.
   */
  #look(ms: number): void {
    const heardMs = this.#heardMs;
    const silence = this.#silence = this.#silent();
    this.#stopLook();
    this.#stopLook = this.#clock.after(ms, () => {
      this.#silence = undefined;
      if (this.#listening && this.#heardMs === heardMs) this.#finish(silence);
    });
  }

  #silent(): LinkError {
    const seconds = this.#silenceMs / 1_000;
    return new LinkError(`it did not answer for ${seconds} s`, { isSilence: true });
  }

  #finish(reason: LinkError | ProtocolError): undefined {
    if (this.#over) return;
    this.#over = true;
    this.#stopHeartbeat();
    this.#stopLook();
    this.#queue.close();
    this.#conn.close();
    this.#end(reason);
  }
}
