/**
 * Another process, as this one sees it: the two streams between them, and what their frames mean.
 *
 * The streams outlive the connection that carries them, for as long as the other process does.
 * Whether that lives is for its node to say, never for a connection.
 */

import { ChannelError } from "../core/errors.ts";
import type { ExitStatus } from "../core/exit_status.ts";
import { type Pid, shortPid } from "../core/pid.ts";
import { FrameType } from "../wire/frame.ts";
import { ProtocolError } from "../core/protocol_error.ts";
import { Acknowledger } from "./acknowledger.ts";
import { Connection, type ConnectionContext } from "./connection.ts";
import { delay } from "../net/delay.ts";
import { type Arrivals, discard } from "./discard.ts";
import type { FrameHandler } from "./frame_reader.ts";
import type { Greeting } from "./greeting.ts";
import type { Hold } from "./hold.ts";
import { Outbox } from "./outbox.ts";
import { ReceiveQueue } from "./receive_queue.ts";
import { type End, EndWatch, EXITED } from "./remote_end.ts";
import { type SavedSendQueue, SendQueue } from "./send_queue.ts";

/** What a peer needs of the process that it is a peer of. */
export interface PeerContext extends ConnectionContext {
  readonly hold: Hold;
  /** Resolves when a process has ended; rejects if there never was such a process. */
  readonly ended: (remote: Pid) => Promise<ExitStatus>;
  /** The peer has ended, and nothing is open to it or held from it. */
  readonly forget: (peer: Peer) => void;
}

/** All of a peer that has to outlive this process: see {@linkcode Peer.save}. */
export interface SavedPeer {
  readonly remote: Pid;
  readonly acked: number;
  readonly frames: Uint8Array<ArrayBuffer>;
  readonly received: number;
  readonly queue: SavedSendQueue;
}

/** How long a process that has delivered everything waits for its goodbye to be heard. */
const GOODBYE_MS = 500;

export class Peer {
  readonly remote: Pid;
  readonly sending: SendQueue;
  readonly receiving: ReceiveQueue;
  readonly #context: PeerContext;
  readonly #outbox: Outbox;
  readonly #connection: Connection;
  readonly #watch: EndWatch;
  readonly #acknowledger = new Acknowledger(() => this.#connection.kick());
  /** Where what comes goes. */
  readonly #arrivals: Arrivals;
  /** How many channel ends of this process are open to it. */
  #ends = 0;
  /** Whether each side has said that it has no use for the connection at present. */
  #idle = false;
  #remoteIdle = false;
  /** Whether this process is about to end. */
  #leaving = false;
  /** How it ended, once that is known, and all that came of it before is here. */
  #end: End | undefined;

  constructor(context: PeerContext, remote: Pid, saved?: SavedPeer) {
    this.#context = context;
    this.remote = remote;
    this.#outbox = new Outbox(saved?.acked);
    this.sending = new SendQueue(this.#outbox, context.hold, () => this.#sent());
    this.receiving = new ReceiveQueue((bytes) => {
      this.#outbox.appendUint32(FrameType.credit, bytes);
      this.#sent();
    });
    this.#arrivals = context.posthumous ? discard : this.receiving;
    this.#connection = this.#makeConnection(saved?.received ?? 0);
    this.#watch = new EndWatch({
      status: () => context.ended(remote),
      joined: () => this.joined,
      ended: (end) => this.#fail(end),
    });
    if (saved !== undefined) {
      this.#outbox.restore(saved.frames);
      this.sending.restore(saved.queue);
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

  /** Whether there is a connection, whose other side should be told goodbye. */
  get joined(): boolean {
    return this.#connection.joined;
  }

  /** A channel end to it was made. */
  openEnd(): void {
    this.#ends++;
    this.#idle = false;
    this.#connection.join();
  }

  /** A channel end to it was closed. */
  closeEnd(): void {
    this.#ends--;
    this.#settle();
  }

  /** The receiver of a channel was closed before the channel ended. */
  stopSender(channel: number): void {
    if (this.gone) return;
    this.#outbox.appendUint32(FrameType.stop, channel);
    this.#sent();
  }

  /** The error that says how it ended. */
  endError(action: string): ChannelError {
    const { kind, why } = this.#end!;
    return new ChannelError(
      kind,
      this.remote,
      `Cannot ${action} ${shortPid(this.remote)}: ${why}`,
    );
  }

  /** Takes the next value; a malformed one costs the peer its place. */
  take(): unknown {
    try {
      return this.receiving.take();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#fail({ kind: "lost", why: `it sent what is no value: ${error.message}` });
      throw this.endError("receive from");
    }
  }

  /**
   * Ends a channel to it. Resolves when all that was sent on it has been acknowledged, or never will
   * be.
   */
  async endChannel(channel: number): Promise<void> {
    await this.sending.end(channel);
    await this.#acknowledged();
  }

  /**
   * Delivers everything, says goodbye, and ends the connection. Resolves also if the other process
   * goes away before. Nothing may be sent afterwards.
   */
  async leave(): Promise<void> {
    this.#leaving = true;
    this.#connection.join();
    while (this.unfinished) {
      await this.sending.emptied();
      await this.#acknowledged();
    }
    // Without an answer it leaves all the same: everything of value has arrived, and that this
    // process has ended by itself the other one can also learn from its node.
    if (this.joined) await Promise.race([this.#sayGoodbye(), delay(GOODBYE_MS)]);
  }

  async #sayGoodbye(): Promise<void> {
    this.#outbox.append(FrameType.bye);
    await this.#acknowledged();
    await this.#connection.finish();
  }

  /** Resolves when all frames so far have been acknowledged, or never will be. */
  async #acknowledged(): Promise<void> {
    if (this.gone || this.#outbox.acked >= this.#outbox.end) return;
    const acknowledged = this.#outbox.acknowledged();
    this.#outbox.append(FrameType.ask);
    this.#sent();
    await acknowledged;
  }

  /** Everything that is to be delivered in this process's name once it is gone, if there is any. */
  save(): SavedPeer | undefined {
    if (!this.unfinished) return undefined;
    return {
      remote: this.remote,
      acked: this.#outbox.acked,
      frames: this.#outbox.unacked(),
      received: this.#connection.received,
      queue: this.sending.save(),
    };
  }

  /**
   * Takes a connection that it dialled, and that has shown that it may, or refuses it; tells which.
   *
   * @throws {Error} If the connection broke, or the greeting is impossible; it is the caller's then.
   */
  accept(conn: Deno.TcpConn, greeting: Greeting): Promise<boolean> {
    return this.#connection.accept(conn, greeting);
  }

  /** Gives up what is to be delivered to it, and the connection. */
  abandon(): void {
    this.#fail({ kind: "lost", why: "the delivery was given up" });
  }

  /** Whether a connection to it is needed. */
  get #wanted(): boolean {
    return this.#ends > 0 || this.unfinished;
  }

  #makeConnection(received: number): Connection {
    return new Connection(this.#context, this.remote, {
      outbox: this.#outbox,
      frames: this.#frames,
      // Who has said goodbye is forgotten: no end that is still open is a reason to connect again.
      wanted: () => this.#leaving ? this.unfinished : this.#wanted,
      joined: () => this.#joined(),
      beforeWrite: () => this.#acknowledge(),
      afterRead: () => this.#acknowledger.arrived(this.#connection.received),
      parted: (inOrder) => {
        this.#watch.parted();
        if (!inOrder && this.#wanted) this.#watch.ask();
      },
      unfound: () => this.#watch.ask(),
      ended: (end) => this.#fail(end),
    }, received);
  }

  #joined(): void {
    this.#acknowledger.begin(this.#connection.received);
    this.#idle = false;
    this.#remoteIdle = false;
    if (this.#outbox.awaited) this.#outbox.append(FrameType.ask);
    this.#settle();
  }

  /** It is gone: what has arrived can still be received, and nothing else happens any more. */
  #fail(end: End, inOrder = false): void {
    if (this.gone) return;
    this.#end = end;
    this.#watch.stop();
    this.#connection.close(inOrder);
    this.sending.fail(() => this.endError("send to"));
    this.receiving.fail();
    this.#outbox.abandon();
    this.#settle();
  }

  /** Frames were put into the outbox. */
  #sent(): void {
    this.#idle = false;
    this.#connection.kick();
  }

  /** Adds an acknowledgement to what is about to be written, if one is due. */
  #acknowledge(): void {
    const offset = this.#connection.received;
    // What comes for the dead arrives nowhere.
    if (!this.#acknowledger.take(offset) || this.#context.posthumous) return;
    this.#outbox.appendFloat64(FrameType.ack, offset);
  }

  /** What comes on a link, and where it goes. */
  readonly #frames: FrameHandler = {
    value: (bytes, start, end) => {
      this.#acknowledger.owe();
      this.#remoteIdle = false;
      return this.#arrivals.value(bytes, start, end);
    },
    begin: (layout) => {
      this.#remoteIdle = false;
      this.#arrivals.begin(layout);
    },
    pieceTarget: (filled, left) => this.#arrivals.pieceTarget(filled, left),
    piece: (filled, whole) => {
      if (whole) this.#acknowledger.owe();
      this.#arrivals.piece(filled, whole);
    },
    control: (type, view, position) => this.#control(type, view, position),
  };

  #control(type: FrameType, view: DataView, position: number): void {
    switch (type) {
      case FrameType.cancel:
        this.#acknowledger.owe();
        return this.#arrivals.cancel();
      case FrameType.end:
        this.#acknowledger.owe();
        this.#remoteIdle = false;
        return this.#arrivals.end();
      case FrameType.stop:
        return this.sending.stop(view.getUint32(position, true), () => this.stoppedError());
      case FrameType.credit:
        return this.sending.credit(view.getUint32(position, true));
      case FrameType.ack:
        this.#outbox.ack(view.getFloat64(position, true));
        return this.#settle();
      case FrameType.ask:
        this.#acknowledger.owe();
        return this.#connection.kick();
      case FrameType.idle:
        this.#remoteIdle = true;
        return this.#settle();
      case FrameType.bye:
        return this.#farewell();
    }
  }

  /** The error for a sender whose receiver has closed its end. */
  stoppedError(): ChannelError {
    return new ChannelError(
      "closed",
      this.remote,
      `Cannot send to ${shortPid(this.remote)}: its Receiver was closed`,
    );
  }

  /** It has said goodbye: it gets the acknowledgement that it waits for, and nothing after that. */
  #farewell(): void {
    if (!this.joined) return;
    this.#acknowledger.owe();
    this.#acknowledge();
    this.#fail(EXITED, true);
  }

  /** Ends what nobody needs any more: the connection, and in the end the peer itself. */
  #settle(): void {
    if (this.#wanted) return;
    if (this.gone) {
      if (this.receiving.empty) this.#context.forget(this);
      return;
    }
    if (!this.joined) return;
    if (!this.#idle) {
      this.#outbox.append(FrameType.idle);
      this.#connection.kick();
      this.#idle = true;
    }
    if (this.#remoteIdle) void this.#connection.finish();
  }
}
