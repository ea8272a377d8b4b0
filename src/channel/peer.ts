/**
 * Another process, as this one sees it: the streams to and from it, the connection that carries
 * them, and what is known of its end.
 *
 * A connection is only a carrier. The streams and their offsets belong to the peer: a connection
 * that breaks is dialled again and goes on where it was, for as long as the other process lives.
 * Whether it does is for its node to say, never for a connection.
 */

import { ChannelError, type ChannelErrorKind, messageOf } from "../core/errors.ts";
import { type ExitStatus, formatStatus } from "../core/exit_status.ts";
import { type Pid, shortPid } from "../core/pid.ts";
import { FrameType } from "../wire/frame.ts";
import { ProtocolError } from "../wire/protocol_error.ts";
import { Acknowledger } from "./acknowledger.ts";
import { delay, startTimer, type Timer } from "./delay.ts";
import { CROSSED_MS, Dialler } from "./dialler.ts";
import { type Arrivals, discard } from "./discard.ts";
import { type FrameHandler, FrameReader } from "./frame_reader.ts";
import { encodeReply, type Greeting, Verdict, writeRefusal } from "./greeting.ts";
import type { Hold } from "./hold.ts";
import { Link } from "./link.ts";
import { Outbox } from "./outbox.ts";
import { ReceiveQueue } from "./receive_queue.ts";
import { type SavedSendQueue, SendQueue } from "./send_queue.ts";

/** What a peer needs of the process that it is a peer of. */
export interface PeerContext {
  /** The process whose streams these are. */
  readonly pid: Pid;
  /** The run's key. */
  readonly key: Promise<CryptoKey>;
  readonly hold: Hold;
  /** Resolves when a process has ended; rejects if there never was such a process. */
  readonly ended: (remote: Pid) => Promise<ExitStatus>;
  /** Set where a will is delivered: `pid` has ended, and takes nothing any more. */
  readonly posthumous?: boolean;
  /** The peer has ended, and nothing is open to it or held from it. */
  readonly forget: (peer: Peer) => void;
  /** Takes one line about something that should not happen. */
  readonly log: (line: string) => void;
}

/** All of a peer that has to outlive this process: see {@linkcode Peer.save}. */
export interface SavedPeer {
  readonly remote: Pid;
  readonly acked: number;
  readonly frames: Uint8Array<ArrayBuffer>;
  readonly received: number;
  readonly queue: SavedSendQueue;
}

type State =
  /** There is no connection, and no need of one. */
  | { readonly name: "apart" }
  | { readonly name: "dialling"; readonly dialler: Dialler }
  | {
    readonly name: "joined";
    readonly link: Link;
    readonly reader: FrameReader;
    /** When this process dialled it; `undefined` if the other one did. */
    readonly dialledMs: number | undefined;
  }
  /** The other process has ended, or is taken for ended. */
  | { readonly name: "gone" };

/** How long a peer is known before its node is asked to say when it ends; most end in order before. */
const ASK_ENDED_MS = 1_000;
/** How long the connection to a lost process may still give what has arrived of it. */
const LINGER_MS = 200;
/** How long a process that has delivered everything waits for its goodbye to be heard. */
const GOODBYE_MS = 500;

export class Peer {
  readonly remote: Pid;
  readonly sending: SendQueue;
  readonly receiving: ReceiveQueue;
  readonly #context: PeerContext;
  readonly #outbox: Outbox;
  readonly #acknowledger = new Acknowledger(() => this.#kick());
  /** Where what comes goes. */
  readonly #arrivals: Arrivals;
  #state: State = { name: "apart" };
  /** How many channel ends of this process are open to it. */
  #ends = 0;
  /** Up to where its stream has been received, by connections that are over. */
  #received = 0;
  /** Whether each side has said that it has no use for the connection at present. */
  #idle = false;
  #remoteIdle = false;
  #askedEnded = false;
  #askTimer: Timer;
  /** Whether it was logged that somebody else is where the process should be. */
  #logged = false;
  /** How the process ended, once that is known: what its last connection still holds comes first. */
  #end: { kind: ChannelErrorKind; why: string } | undefined;
  /** What waits for everything so far to be acknowledged. */
  #ackWaiters: { offset: number; resolve: () => void }[] = [];

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
    // No connection says that a host is gone, or that a process which has none any more has ended.
    this.#askTimer = startTimer(ASK_ENDED_MS, () => this.#askEnded());
    if (saved !== undefined) {
      this.#received = saved.received;
      this.#outbox.restore(saved.frames);
      this.sending.restore(saved.queue);
    }
  }

  /** Whether it is known to have ended. */
  get gone(): boolean {
    return this.#state.name === "gone";
  }

  /** Whether something that was sent to it has not been acknowledged. */
  get unfinished(): boolean {
    return !this.gone && (this.sending.waiting || this.#outbox.vital);
  }

  /** Whether there is a connection, whose other side should be told goodbye. */
  get joined(): boolean {
    return this.#state.name === "joined";
  }

  /** A channel end to it was made. */
  openEnd(): void {
    this.#ends++;
    this.#idle = false;
    this.#join();
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
      this.#fail("lost", `it sent what is no value: ${error.message}`);
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
    this.#join();
    while (this.unfinished) {
      await this.sending.emptied();
      await this.#acknowledged();
    }
    // Without an answer it leaves all the same: everything of value has arrived, and that this
    // process has ended by itself the other one can also learn from its node.
    if (this.#state.name === "joined") await Promise.race([this.#sayGoodbye(), delay(GOODBYE_MS)]);
  }

  async #sayGoodbye(): Promise<void> {
    let link = this.#link;
    this.#outbox.append(FrameType.bye);
    await this.#acknowledged();
    link = this.#link ?? link;
    await link?.finish();
  }

  /** Resolves when all frames so far have been acknowledged, or never will be. */
  async #acknowledged(): Promise<void> {
    const offset = this.#outbox.end;
    if (this.gone || this.#outbox.acked >= offset) return;
    this.#outbox.append(FrameType.ask);
    this.#sent();
    await new Promise<void>((resolve) => this.#ackWaiters.push({ offset, resolve }));
  }

  /** Everything that is to be delivered in this process's name once it is gone, if there is any. */
  save(): SavedPeer | undefined {
    if (!this.unfinished) return undefined;
    return {
      remote: this.remote,
      acked: this.#outbox.acked,
      frames: this.#outbox.unacked(),
      received: this.#offset,
      queue: this.sending.save(),
    };
  }

  /**
   * Takes a connection that it dialled, and that has shown that it may, or refuses it; tells which.
   *
   * @throws {Error} If the connection broke, or the greeting is impossible; it is the caller's then.
   */
  async accept(conn: Deno.TcpConn, greeting: Greeting): Promise<boolean> {
    const verdict = this.#judge(greeting);
    if (verdict !== Verdict.welcome) {
      await writeRefusal(conn, verdict);
      return false;
    }
    // What an older connection still holds comes again on this one.
    if (this.#state.name === "joined") this.#part(this.#state.link);
    const reply = encodeReply({ verdict, offset: this.#received });
    this.#joinWith(conn, greeting.offset, undefined, reply);
    return true;
  }

  /** Gives up what is to be delivered to it, and the connection. */
  abandon(): void {
    this.#fail("lost", "the delivery was given up");
  }

  /** Connects if it is not connected and there is a reason to be. */
  #join(): void {
    if (this.#state.name === "apart" && this.#wanted) this.#dial(false);
  }

  get #wanted(): boolean {
    return this.#ends > 0 || this.unfinished;
  }

  /** Up to where its stream has been received. */
  get #offset(): number {
    return this.#state.name === "joined" ? this.#state.reader.offset : this.#received;
  }

  get #link(): Link | undefined {
    return this.#state.name === "joined" ? this.#state.link : undefined;
  }

  #become(state: State): void {
    if (this.#state.name === "dialling") {
      if (state.name === "gone") this.#state.dialler.abort();
      else this.#state.dialler.stop();
    }
    this.#state = state;
  }

  /** Connects, again and again, as long as it is wanted and nothing else happens to the peer. */
  #dial(afterBreak: boolean): void {
    const { pid, key, posthumous = false } = this.#context;
    const options = { from: pid, key, offset: this.#received, posthumous };
    const dialler = new Dialler(this.remote, options, {
      wanted: () => this.#wanted,
      unwanted: () => this.#become({ name: "apart" }),
      welcome: ({ conn, reply }) => {
        try {
          this.#joinWith(conn, reply.offset, performance.now());
        } catch (error) {
          conn.close();
          if (!(error instanceof ProtocolError)) throw error;
        }
      },
      refused: (verdict) => {
        if (verdict === Verdict.gone) this.#fail("lost", "it takes this process for lost");
        // It has nothing for this process, or it would know it.
        else if (verdict === Verdict.ending) this.#fail("exited", "the process is ending");
        else this.#unfound();
      },
      unreachable: (error) => {
        if (posthumous && isAbsence(error)) return this.#unfound();
        // It may have ended, which its node knows, and its port be another one's by now.
        this.#askEnded();
        if (!(error instanceof ProtocolError) || this.#logged) return;
        this.#logged = true;
        this.#context.log(`cannot connect to ${this.remote}, and goes on trying: ${error.message}`);
      },
    });
    this.#become({ name: "dialling", dialler });
    // Not within the caller: a constructor does no I/O before it returns.
    queueMicrotask(() => void dialler.start(afterBreak));
  }

  /** Of two connections that are made at the same time, that of the smaller Pid is kept. */
  #judge(greeting: Greeting): Verdict {
    const state = this.#state;
    if (state.name === "gone") return Verdict.gone;
    // An attempt from before the last connection has been on its way for long; nobody waits for it.
    if (greeting.offset < this.#outbox.acked) return Verdict.crossed;
    if (greeting.posthumous || this.#context.pid > this.remote) return Verdict.welcome;
    const crossed = state.name === "dialling"
      ? state.dialler.attempting
      : state.name === "joined" && state.dialledMs !== undefined &&
        performance.now() - state.dialledMs < CROSSED_MS;
    return crossed ? Verdict.crossed : Verdict.welcome;
  }

  /**
   * Makes `conn` the connection to the peer, which has received up to `offset`.
   *
   * @throws {ProtocolError} If it cannot have; nothing can be told to it then any more.
   */
  #joinWith(
    conn: Deno.TcpConn,
    offset: number,
    dialledMs: number | undefined,
    reply?: Uint8Array,
  ): void {
    try {
      this.#outbox.rewind(offset);
    } catch (error) {
      if (error instanceof ProtocolError) {
        this.#fail("lost", `it is not as it was: ${error.message}`);
      }
      throw error;
    }
    this.#settleAcked();
    const reader = new FrameReader(this.#frames, this.#received);
    const link: Link = new Link(conn, this.#outbox, reader, {
      beforeWrite: () => this.#acknowledge(),
      afterRead: () => this.#acknowledger.arrived(reader.offset),
      ended: (error) => this.#broken(link, error),
    });
    this.#acknowledger.begin(this.#received);
    this.#idle = false;
    this.#remoteIdle = false;
    if (this.#ackWaiters.length > 0) this.#outbox.append(FrameType.ask);
    this.#become({ name: "joined", link, reader, dialledMs });
    link.start(reply);
    this.#settle();
  }

  /** Lets go of the connection; the stream goes on after the last whole frame. */
  #part(link: Link): void {
    this.#received = this.#offset;
    this.#become({ name: "apart" });
    link.drop();
  }

  #broken(link: Link, error: Error | undefined): void {
    if (this.#state.name !== "joined" || this.#state.link !== link) return;
    this.#part(link);
    if (error instanceof ProtocolError) {
      this.#fail("lost", `what it sent is not of the protocol: ${error.message}`);
    } else if (this.#end !== undefined) {
      this.#fail(this.#end.kind, this.#end.why);
    } else if (this.#wanted) {
      // If both sides had ended it, it is only needed anew. Otherwise the process has most likely
      // ended: its node is asked first, and dialling takes a moment's rest.
      const inOrder = error === undefined && link.finishing;
      if (!inOrder) this.#askEnded();
      this.#dial(!inOrder);
    }
  }

  /**
   * Where its Pid says, it is not. That is its end for a will: the node tells of an end only when the
   * will of that process is delivered, and two that left something to each other would both wait.
   */
  #unfound(): void {
    if (this.#context.posthumous) this.#fail("exited", "the process has ended");
    else this.#askEnded();
  }

  #askEnded(): void {
    if (this.#askedEnded || this.gone) return;
    this.#askedEnded = true;
    this.#context.ended(this.remote).then(
      (status) => this.#hasEnded(status),
      (error) => this.#fail("lost", messageOf(error)),
    );
  }

  /** Its node has said how it ended. All that it left has been delivered before that was said. */
  #hasEnded(status: ExitStatus): void {
    if (this.gone) return;
    // A process that exits by itself has handed over everything first.
    const end = "code" in status
      ? { kind: "exited" as const, why: "the process has ended" }
      : { kind: "lost" as const, why: `the process was lost: ${formatStatus(status)}` };
    if (this.#state.name !== "joined") return this.#fail(end.kind, end.why);
    // What its connection still holds comes first; a host that is lost does not end connections.
    this.#end = end;
    if ("lost" in status) void delay(LINGER_MS).then(() => this.#fail(end.kind, end.why));
  }

  /** It is gone: what has arrived can still be received, and nothing else happens any more. */
  #fail(kind: ChannelErrorKind, why: string): void {
    if (this.gone) return;
    this.#end = { kind, why };
    this.#askTimer.onabort = null;
    if (this.#state.name === "joined") this.#part(this.#state.link);
    this.#become({ name: "gone" });
    this.sending.fail(() => this.endError("send to"));
    this.receiving.fail();
    this.#settleAcked();
    this.#settle();
  }

  /** Frames were put into the outbox. */
  #sent(): void {
    if (this.#state.name === "joined") {
      this.#idle = false;
      this.#state.link.kick();
    } else {
      this.#join();
    }
  }

  /** Adds an acknowledgement to what is about to be written, if one is due. */
  #acknowledge(): void {
    const offset = this.#offset;
    // What comes for the dead arrives nowhere.
    if (!this.#acknowledger.take(offset) || this.#context.posthumous) return;
    this.#outbox.appendFloat64(FrameType.ack, offset);
  }

  #kick(): void {
    this.#link?.kick();
  }

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
        this.#settleAcked();
        return this.#settle();
      case FrameType.ask:
        this.#acknowledger.owe();
        return this.#kick();
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
    if (this.#state.name !== "joined") return;
    const { link, reader } = this.#state;
    this.#acknowledger.owe();
    this.#acknowledge();
    this.#received = reader.offset;
    this.#become({ name: "apart" }); // the connection is not to be dropped
    void link.finish();
    this.#fail("exited", "the process has ended");
  }

  #settleAcked(): void {
    const { acked } = this.#outbox;
    const over = this.gone;
    const done = this.#ackWaiters.filter(({ offset }) => over || offset <= acked);
    if (done.length === 0) return;
    this.#ackWaiters = this.#ackWaiters.filter(({ offset }) => !over && offset > acked);
    for (const { resolve } of done) resolve();
  }

  /** Ends what nobody needs any more: the connection, and in the end the peer itself. */
  #settle(): void {
    if (this.#wanted) return;
    if (this.gone) {
      if (this.receiving.empty) this.#context.forget(this);
      return;
    }
    if (this.#state.name !== "joined") return;
    const { link } = this.#state;
    if (!this.#idle) {
      this.#outbox.append(FrameType.idle);
      link.kick();
      this.#idle = true;
    }
    if (this.#remoteIdle) void link.finish();
  }
}

/** Whether nobody listens there, or somebody who does not belong to the run. */
function isAbsence(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionRefused || error instanceof ProtocolError;
}
