/**
 * Another process, as this one sees it: the two streams between them, and the meaning of their frames.
 *
 * The streams outlive the connection that carries them, for as long as the other process does. Only its
 * node knows whether it is alive, never a connection.
 */

import { type ChannelError, ProtocolError } from "../core/errors.ts";
import { type ExitStatus, success } from "../core/exit_status.ts";
import type { Pid } from "../core/pid.ts";
import type { PeerTraffic, Wait } from "../core/waits.ts";
import { FrameType, StopReason } from "../wire/frame.ts";
import type { Transport } from "../net/transport.ts";
import { Acknowledger } from "./acknowledger.ts";
import { type End, endError, EndWatch, statusEnd, stopError } from "./remote_end.ts";
import { Connection, type ConnectionContext } from "./connection.ts";
import { delay } from "../net/delay.ts";
import { FrameRouter } from "./frame_reader.ts";
import type { Greeting } from "./greeting.ts";
import type { Hold } from "./hold.ts";
import { Idleness } from "./idleness.ts";
import type { InChannel } from "./in_channel.ts";
import { discardAll, InChannels } from "./in_channels.ts";
import type { OutChannel } from "./out_channel.ts";
import { OutChannels } from "./out_channels.ts";
import { Outbox } from "./outbox.ts";
import { fullChannels, peerPending } from "./pending.ts";
import type { SavedPeer } from "./saved_peer.ts";
import type { StoredPeer } from "./stored_peer.ts";
import type { Unclaimed } from "./unclaimed.ts";

/** The environment of a peer in this process. */
export interface PeerContext extends ConnectionContext {
  readonly hold: Hold;
  /** The list of channels without a Receiver. */
  readonly unclaimed: Unclaimed<Peer>;
  /** Resolves when a process has ended; rejects if there never was such a process. */
  readonly ended: (remote: Pid) => Promise<ExitStatus>;
  /** The peer has ended, and nothing is open to it or held from it. */
  readonly forget: (peer: Peer) => void;
  /** The peer has ended, and nothing is held from it but by the program's own open ends to it. */
  readonly loosen: (peer: Peer) => void;
  /**
   * The peer is given up, although it may still be there, and has not got all that was sent to it: why.
   * @default nobody is told
   */
  readonly undelivered?: (remote: Pid, why: string) => void;
  /** The program was told, in an error, that the peer has ended without success. */
  readonly noticed: (remote: Pid) => void;
}

/** How long a process that has delivered everything waits for the acknowledgement of its `bye`. */
const GOODBYE_MS = 500;

export class Peer {
  readonly remote: Pid;
  readonly sending: OutChannels;
  readonly receiving: InChannels<Peer>;
  readonly #context: PeerContext;
  readonly #outbox: Outbox;
  readonly #connection: Connection;
  readonly #watch: EndWatch;
  readonly #idleness: Idleness;
  readonly #acknowledger = new Acknowledger(() => this.#connection.kick());
  /** How many channel ends of this process are open to it. */
  #ends = 0;
  /** Whether this process is about to end. */
  #leaving = false;
  /** How it ended, once that is known and all its earlier data has arrived. */
  #end: End | undefined;
  #undelivered: string | undefined;

  constructor(context: PeerContext, remote: Pid, saved?: StoredPeer) {
    this.#context = context;
    this.remote = remote;
    this.#outbox = new Outbox(saved?.acked);
    const kick = () => this.#connection.kick();
    this.sending = new OutChannels(
      this.#outbox,
      context.hold,
      kick,
      () => stopError(remote, StopReason.crowded),
    );
    this.receiving = new InChannels(this, context.unclaimed, {
      accept: (number) => {
        this.#outbox.appendUint32(FrameType.accept, number);
        // It goes with the next acknowledgement: a sender that waits for it asks.
        this.#acknowledger.owe();
      },
      stop: (number, reason) => {
        this.#outbox.appendUint32s(FrameType.stop, number, reason);
        kick();
      },
      credit: (number, count) => {
        this.#outbox.appendUint32s(FrameType.credit, number, count);
        kick();
      },
    });
    this.#connection = this.#makeConnection(saved?.received ?? 0);
    this.#watch = new EndWatch({
      status: () => context.ended(remote),
      joined: () => this.#connection.joined,
      ended: (end) => this.#fail(end),
    });
    this.#idleness = new Idleness({
      say: (type) => this.#outbox.append(type),
      unneeded: () => void this.#connection.finish(),
    }, !context.posthumous);
    if (saved !== undefined) {
      this.#outbox.restore(saved.frames, saved.channels.current);
      this.sending.restore(saved.channels);
    }
  }

  /** Whether it is known to have ended. */
  get gone(): boolean {
    return this.#end !== undefined;
  }

  /** Whether something that was sent to it has not been acknowledged. */
  get unfinished(): boolean {
    return !this.gone && (this.sending.waiting || this.#outbox.vital);
  }

  /** Whether there is a connection that its other side needs, or this one, so that it ends with a goodbye. */
  get engaged(): boolean {
    return this.#connection.joined && !this.#idleness.mutual;
  }

  /** What this process waits for from this peer. */
  *pending(): Generator<Wait, void, void> {
    const { obstacle } = this.#connection;
    if (obstacle !== undefined) yield { kind: "reach", remote: this.remote, ...obstacle };
    yield* peerPending(this, this.#leaving ? this.#outbox.end - this.#outbox.acked : undefined);
  }

  /** How many bytes there have been between the two processes, in both directions. */
  get traffic(): number {
    return this.#outbox.end + this.#connection.received;
  }

  /** What this process has sent to it so far. */
  get sent(): PeerTraffic {
    const { values, end: bytes } = this.#outbox;
    return { remote: this.remote, values, bytes, full: fullChannels(this.sending.all()) };
  }

  /** Whether there is a connection to it. */
  get joined(): boolean {
    return this.#connection.joined;
  }

  /** Connects to it, as to one that will soon be spoken to; see {@linkcode Connection.meet}. */
  meet(): Promise<void> {
    return this.#connection.meet();
  }

  /** It is about to connect; see {@linkcode Connection.expect}. */
  expect(ms: number): void {
    this.#connection.expect(ms);
  }

  /** A channel end to it was made. What there is to write is written soon, and not before this returns. */
  openEnd(): void {
    this.#ends++;
    if (this.gone) return this.#settle();
    this.#idleness.busy();
    queueMicrotask(() => this.#connection.kick());
  }

  /** A channel end to it was closed. */
  closeEnd(): void {
    this.#ends--;
    this.#settle();
  }

  /** The error for the program that says how it ended. */
  endError(action: string): ChannelError {
    const { status } = this.#end!;
    if (status !== undefined && !success(status)) this.#context.noticed(this.remote);
    return endError(action, this.remote, this.#end!);
  }

  /** Takes the next value of a channel; a malformed one makes the peer count as lost. */
  take(channel: InChannel): unknown {
    try {
      return channel.take();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#fail({ kind: "lost", why: `it sent an invalid value: ${error.message}` });
      throw this.endError("receive from");
    }
  }

  /**
   * Ends a channel to it. Resolves when all that was sent on it has been acknowledged, or never will
   * be.
   *
   * @param held Whether the end is held back, until the channel is told to release it.
   */
  async endChannel(channel: OutChannel, held: boolean): Promise<void> {
    await channel.end(held);
    await this.acknowledged();
  }

  /** Resolves when all frames so far have been acknowledged, or never will be. */
  async acknowledged(): Promise<void> {
    if (this.gone || this.#outbox.acked >= this.#outbox.end) return;
    const acknowledged = this.#outbox.acknowledged();
    this.#outbox.append(FrameType.ask);
    this.#connection.kick();
    await acknowledged;
  }

  /** Delivers everything; resolves when that is done, or the other process is gone. */
  async deliver(): Promise<void> {
    this.#leaving = true;
    this.#idleness.stop();
    this.#connection.join();
    while (this.unfinished) {
      await this.sending.emptied();
      await this.acknowledged();
    }
  }

  /**
   * Delivers everything, sends `bye`, and ends the connection. Also resolves if the other process is gone
   * first. Nothing may be sent afterwards.
   *
   * @param code The exit code of this process; `undefined` if it did not end by itself; its node reports
   * the status then.
   */
  async leave(code: number | undefined): Promise<void> {
    await this.deliver();
    // It also leaves without an answer: all values have arrived, and the other process can learn from its
    // node how this one ended.
    if (this.engaged) await Promise.race([this.#sayGoodbye(code), delay(GOODBYE_MS)]);
  }

  async #sayGoodbye(code: number | undefined): Promise<void> {
    if (code !== undefined) {
      this.#outbox.appendUint32(FrameType.bye, code);
      await this.acknowledged();
    }
    await this.#connection.finish();
  }

  /** Why something that was sent has not been delivered, although the process may be there to receive it. */
  get undelivered(): string | undefined {
    return this.#undelivered;
  }

  /**
   * Everything that is to be delivered in this process's name once it is gone, if there is any. Nothing
   * more is written until {@linkcode resume}: it would be missing from what is delivered.
   */
  save(): SavedPeer | undefined {
    if (this.gone) return undefined;
    this.#outbox.seal(true);
    const channels = this.sending.save();
    if (channels.waiting.length === 0 && !this.#outbox.vital) return undefined;
    return {
      remote: this.remote,
      acked: this.#outbox.acked,
      frames: this.#outbox.unacked(),
      received: this.#connection.received,
      channels,
    };
  }

  /**
   * Takes a connection that it dialled, and that has shown that it may, or refuses it; tells which.
   *
   * @throws {Error} If the connection broke, or the greeting is impossible; it is the caller's then.
   */
  accept(conn: Transport, greeting: Greeting): Promise<boolean> {
    return this.#connection.accept(conn, greeting);
  }

  /** This process goes on after {@linkcode save}: writes to the connection again. */
  resume(): void {
    this.#outbox.seal(false);
    this.#connection.kick();
  }

  /** Abandons the delivery, and the connection. */
  abandon(): void {
    this.#fail({ kind: "lost", why: "the delivery was abandoned" });
  }

  /** Whether a connection to it is needed. */
  get #wanted(): boolean {
    // A peer that has sent `bye` is gone: an open channel end is no reason to connect again.
    return this.unfinished || (this.#ends > 0 && !this.#leaving);
  }

  #makeConnection(received: number): Connection {
    return new Connection(this.#context, this.remote, {
      outbox: this.#outbox,
      frames: new FrameRouter({
        incoming: this.#context.posthumous ? discardAll : this.receiving,
        sending: this.sending,
        outbox: this.#outbox,
        acknowledger: this.#acknowledger,
        stopError: (reason) => stopError(this.remote, reason),
        acked: () => this.#settle(),
        asked: () => this.#connection.kick(),
        idle: (isIdle) => this.#idleness.heard(isIdle),
        bye: (code) => this.#farewell(code),
      }),
      wanted: () => this.#wanted,
      joined: () => this.#joined(),
      beforeWrite: () => {
        this.#acknowledge();
        this.sending.addPiece();
      },
      afterRead: () => this.#acknowledger.arrived(this.#connection.received),
      answer: () => {
        this.#acknowledger.owe();
        this.#connection.kick();
      },
      parted: (inOrder) => {
        this.#watch.parted();
        if (this.#leaving && !this.unfinished) this.#outbox.abandon(); // the `bye` will not be read
        if (!inOrder && this.#wanted) this.#watch.ask();
        this.#forgetUntouched();
      },
      unfound: () => this.#watch.ask(),
      ended: (end) => this.#fail(end),
    }, received);
  }

  #joined(): void {
    this.#acknowledger.begin(this.#connection.received);
    if (this.#outbox.awaited) this.#outbox.append(FrameType.ask);
    this.#settle();
    this.#idleness.linger();
  }

  /** It is gone: arrived data can still be received, and nothing else follows. */
  #fail(end: End, inOrder = false): void {
    if (this.gone) return;
    if (this.unfinished && !end.absent) {
      this.#undelivered = end.why;
      this.#context.undelivered?.(this.remote, end.why);
    }
    this.#end = end;
    this.#watch.stop();
    this.#idleness.stop();
    this.#connection.close(inOrder);
    this.sending.fail(() => this.endError("send to"));
    this.receiving.fail();
    if (end.unknown === true) this.receiving.drop();
    this.#outbox.abandon();
    this.#settle();
  }

  /** Adds an acknowledgement to the next write, if one is due. */
  #acknowledge(): void {
    const offset = this.#connection.received;
    // Data for an ended process is discarded.
    if (!this.#acknowledger.take(offset) || this.#context.posthumous) return;
    this.#outbox.appendFloat64(FrameType.ack, offset);
  }

  /** It has sent `bye`: it gets the acknowledgement that it waits for, and nothing after that. */
  #farewell(code: number): void {
    if (!this.#connection.joined) return;
    this.#acknowledger.owe();
    this.#acknowledge();
    this.#fail(statusEnd({ code }), true);
  }

  /** Forgets a process that has connected and said nothing: it begins anew if it connects again. */
  #forgetUntouched(): void {
    const isUntouched = this.#outbox.end === 0 && this.#connection.received === 0;
    if (!isUntouched || this.#ends > 0 || this.gone) return;
    this.#watch.stop();
    this.#context.forget(this);
  }

  /** Releases what is no longer needed: the connection, and finally the peer itself. */
  #settle(): void {
    if (this.gone) {
      if (this.#ends === 0 && this.receiving.empty) this.#context.forget(this);
      else if (this.receiving.claimed) this.#context.loosen(this);
    } else if (!this.#wanted && !this.#leaving && !this.#context.posthumous) {
      this.#idleness.idle();
      this.#connection.kick();
    }
  }
}
