/**
 * Messages both ways, each once and in order, over one connection after the other.
 *
 * Each side numbers its messages by counting them. It keeps those that the other side has not acknowledged,
 * and sends them again on the next connection, which begins with the number that each side has taken. Which
 * connection that is, and how long one is waited for, is decided by the owner.
 */

import { ProtocolError } from "../core/errors.ts";
import { KiB, MiB } from "../core/resources.ts";
import { encodeMessage } from "../wire/message.ts";
import type { AckMessage } from "../wire/run_messages.ts";
import type { LinkError, MessageLink, Received } from "./message_link.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Sends wait while more than this is not acknowledged. */
const WINDOW_BYTES = 1 * MiB;

/** An acknowledgement is sent for every so many bytes: seldom, since each costs a write and a read. */
const ACKNOWLEDGE_BYTES = 512 * KiB;

/** Reading pauses while more than this has arrived and is not taken. */
const ARRIVED_BYTES = 2 * MiB;

/** What a message takes in memory besides its bytes, roughly. */
const MESSAGE_BYTES = 128;

interface Waiting {
  readonly atMost: number;
  readonly resolve: () => void;
}

/** `Out` and `In` are the messages of the connections. Of those, `ack` is sent and taken here. */
export class ResumableLink<
  Out extends { type: string } | AckMessage,
  In extends { type: string } | AckMessage,
> {
  /** Resolves, once, with the reason given to {@linkcode ResumableLink.end}. */
  readonly ended: Promise<LinkError | ProtocolError>;
  readonly #end: (reason: LinkError | ProtocolError) => void;
  readonly #broke: (reason: LinkError | ProtocolError) => void;
  #over = false;
  #connection: MessageLink<Out, In> | undefined;
  /** Frames that are not acknowledged, in order. */
  #kept: Bytes[] = [];
  #keptBytes = 0;
  /** How many messages of this side the other side has taken. */
  #acknowledged = 0;
  /** Messages of the present connection, or of the last one, that are not taken. */
  #arrived: Received<In>[] = [];
  #arrivedBytes = 0;
  /** How many messages of the other side have been taken here. */
  #taken = 0;
  #unacknowledgedBytes = 0;
  #waiting: Waiting[] = [];
  /** Awaited until something has arrived or was taken, or the connection is another one. */
  #change: PromiseWithResolvers<void> | undefined;

  /** `broke` is called when the present connection has ended, and there is no other one yet. */
  constructor(broke: (reason: LinkError | ProtocolError) => void) {
    this.#broke = broke;
    const { promise, resolve } = Promise.withResolvers<LinkError | ProtocolError>();
    this.ended = promise;
    this.#end = resolve;
  }

  /** Whether {@linkcode ResumableLink.end} was called. */
  get over(): boolean {
    return this.#over;
  }

  /** The present connection. */
  get connection(): MessageLink<Out, In> | undefined {
    return this.#connection;
  }

  /** How many messages of the other side have been taken: the other side has to know when it attaches. */
  get taken(): number {
    return this.#taken;
  }

  /**
   * Continues on a connection, in place of an earlier one. `messages` are the messages of it; `taken` is how
   * many of this side the other side has taken.
   *
   * @throws {ProtocolError} If that number is impossible. The connection is dropped then.
   */
  attach(
    connection: MessageLink<Out, In>,
    messages: AsyncIterable<Received<In>>,
    taken: number,
  ): void {
    if (this.#over) return connection.drop();
    try {
      this.#acknowledge(taken);
    } catch (error) {
      connection.drop(error as ProtocolError);
      throw error;
    }
    const earlier = this.#connection;
    this.#connection = connection;
    earlier?.drop();
    // The other side sends again what was not taken.
    this.#arrived = [];
    this.#arrivedBytes = 0;
    this.#unacknowledgedBytes = 0;
    for (const frame of this.#kept) void connection.sendFrame(frame);
    this.#changed();
    void this.#read(connection, messages);
  }

  /**
   * Sends a message, after those sent before, now or on the next connection. Resolves when another one may
   * be sent. Does nothing once the link is over.
   */
  send(message: Exclude<Out, AckMessage>): Promise<void> {
    if (this.#over) return Promise.resolve();
    const frame = encodeMessage(message);
    this.#kept.push(frame);
    this.#keptBytes += frame.length + MESSAGE_BYTES;
    void this.#connection?.sendFrame(frame);
    return this.#below(WINDOW_BYTES);
  }

  /** Resolves when the other side has acknowledged everything, or the link is over. */
  acknowledged(): Promise<void> {
    return this.#below(0);
  }

  /** Acknowledges what has been taken, at once. */
  acknowledge(): void {
    this.#unacknowledgedBytes = 0;
    const ack: AckMessage = { type: "ack", count: this.#taken };
    void this.#connection?.send(ack as Out);
  }

  /**
   * Yields the messages of the other side, until the link is over and what has arrived before is taken. For
   * one reader.
   */
  async *received(): AsyncGenerator<Received<Exclude<In, AckMessage>>, undefined> {
    for (;;) {
      const next = this.#arrived.shift();
      if (next !== undefined) {
        this.#take(next);
        yield next as Received<Exclude<In, AckMessage>>;
      } else if (this.#over) return;
      else await this.#nextChange();
    }
  }

  /** Ends the link, and its connection. Only the first reason counts. */
  end(reason: LinkError | ProtocolError): void {
    if (this.#over) return;
    this.#over = true;
    this.#connection?.drop(reason);
    this.#connection = undefined;
    this.#kept = [];
    this.#keptBytes = 0;
    this.#settle();
    this.#changed();
    this.#end(reason);
  }

  async #read(
    connection: MessageLink<Out, In>,
    messages: AsyncIterable<Received<In>>,
  ): Promise<void> {
    try {
      for await (const received of messages) {
        if (this.#connection !== connection) return;
        const { message } = received;
        if (isAck(message)) this.#acknowledge(message.count);
        else await this.#arrive(connection, received);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      connection.drop(error);
    }
    const reason = await connection.ended;
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.#broke(reason);
  }

  async #arrive(connection: MessageLink<Out, In>, received: Received<In>): Promise<void> {
    this.#arrived.push(received);
    this.#arrivedBytes += received.body.length + MESSAGE_BYTES;
    this.#changed();
    while (this.#arrivedBytes > ARRIVED_BYTES && this.#connection === connection) {
      await this.#nextChange();
    }
  }

  #take({ body }: Received<In>): void {
    const bytes = body.length + MESSAGE_BYTES;
    this.#arrivedBytes -= bytes;
    this.#taken++;
    this.#unacknowledgedBytes += bytes;
    if (this.#unacknowledgedBytes >= ACKNOWLEDGE_BYTES) this.acknowledge();
    if (this.#arrivedBytes + bytes > ARRIVED_BYTES) this.#changed();
  }

  #acknowledge(count: number): void {
    const more = count - this.#acknowledged;
    if (more < 0 || more > this.#kept.length) {
      const sent = this.#acknowledged + this.#kept.length;
      throw new ProtocolError(
        `it has taken ${count} messages, of ${this.#acknowledged} to ${sent} that it can have`,
      );
    }
    this.#acknowledged = count;
    for (const frame of this.#kept.splice(0, more)) this.#keptBytes -= frame.length + MESSAGE_BYTES;
    this.#settle();
  }

  #below(atMost: number): Promise<void> {
    if (this.#keptBytes <= atMost) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ atMost, resolve }));
  }

  #settle(): void {
    if (this.#waiting.length === 0) return;
    const ready = this.#waiting.filter(({ atMost }) => this.#keptBytes <= atMost);
    this.#waiting = this.#waiting.filter(({ atMost }) => this.#keptBytes > atMost);
    for (const { resolve } of ready) resolve();
  }

  #nextChange(): Promise<void> {
    return (this.#change ??= Promise.withResolvers()).promise;
  }

  #changed(): void {
    this.#change?.resolve();
    this.#change = undefined;
  }
}

function isAck(message: { type: string }): message is AckMessage {
  return message.type === "ack";
}
