/**
 * Another process, as this one sees it: the streams to and from it, the connection that carries
 * them, and what is known of its end.
 *
 * A connection is only a carrier. The streams and their offsets belong to the peer: a connection
 * that breaks is dialled again and goes on where it was, for as long as the other process lives.
 * Whether it does is for its node to say, never for a connection.
 */

import { ChannelError, type ChannelErrorKind } from "../core/errors.ts";
import { type ExitStatus, formatStatus } from "../core/exit_status.ts";
import { type Pid, shortPid } from "../core/pid.ts";
import { FrameType } from "../wire/frame.ts";
import { ProtocolError } from "../wire/protocol_error.ts";
import { delay, startTimer } from "./delay.ts";
import { dial, type Dialled } from "./dial.ts";
import { type FrameHandler, FrameReader } from "./frame_reader.ts";
import { type Greeting, Verdict, writeReply } from "./greeting.ts";
import type { Hold } from "./hold.ts";
import { Link, type LinkEvents } from "./link.ts";
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
  /** There is none yet. A newer state takes the place of this very object. */
  | { readonly name: "dialling" }
  | { readonly name: "joined"; readonly link: Link; readonly reader: FrameReader }
  /** The other process has ended, or is taken for ended. */
  | { readonly name: "gone" };

/** An arrival is acknowledged after at most this time … */
const ACK_DELAY_MS = 10;
/** … and this many bytes. */
const ACK_BYTES = 128 * 1024;

/** Attempts to connect are apart by the first of these, then by twice as much up to the second. */
const FIRST_REDIAL_MS = 20;
const MAX_REDIAL_MS = 1_000;
/** How long to wait for the connection that the other side has dialled at the same time. */
const CROSSED_MS = 1_000;
/** How long the connection to a lost process may still give what has arrived of it. */
const LINGER_MS = 200;
/** How long a process that has delivered everything waits for its goodbye to be heard. */
const GOODBYE_MS = 500;

export class Peer {
  readonly remote: Pid;
  readonly sending: SendQueue;
  readonly receiving: ReceiveQueue;
  readonly #context: PeerContext;
  #outbox: Outbox;
  #state: State = { name: "apart" };
  /** How many channel ends of this process are open to it. */
  #ends = 0;
  /** Up to where its stream has been received, by connections that are over. */
  #received = 0;
  /** Up to where this process has acknowledged. */
  #acknowledged = 0;
  /** Whether something came that is to be acknowledged soon. */
  #ackDue = false;
  #ackTimer: AbortSignal | undefined;
  /** Whether each side has said that it has no use for the connection at present. */
  #idle = false;
  #remoteIdle = false;
  #askedEnded = false;
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

  /** Resolves when all that was sent so far has been acknowledged, or never will be. */
  async acknowledged(): Promise<void> {
    await this.sending.emptied();
    const offset = this.#outbox.end;
    if (this.gone || this.#outbox.acked >= offset) return;
    this.#outbox.append(FrameType.ask);
    this.#sent();
    await new Promise<void>((resolve) => this.#ackWaiters.push({ offset, resolve }));
  }

  /**
   * Delivers everything, says goodbye, and ends the connection. Resolves also if the other process
   * goes away before. Nothing may be sent afterwards.
   */
  async leave(): Promise<void> {
    while (this.unfinished) await this.acknowledged();
    if (this.#state.name !== "joined") return;
    const { link } = this.#state;
    this.#outbox.append(FrameType.bye);
    // Without an answer it leaves all the same: everything of value has arrived, and that this
    // process has ended by itself the other one can also learn from its node.
    await Promise.race([this.acknowledged(), delay(GOODBYE_MS)]);
    await link.finish();
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
   * @throws {Error} If the connection broke, or the greeting is impossible.
   */
  async accept(conn: Deno.TcpConn, greeting: Greeting): Promise<boolean> {
    const verdict = this.#judge(greeting);
    if (verdict !== Verdict.welcome) {
      await writeReply(conn, { verdict, offset: 0 });
      return false;
    }
    // What an older connection still holds comes again on this one.
    if (this.#state.name === "joined") this.#part(this.#state.link);
    const offset = this.#received;
    const link = this.#joinWith(conn, greeting.offset);
    try {
      await writeReply(conn, { verdict, offset });
    } catch (error) {
      this.#broken(link, error instanceof Error ? error : new Error(String(error)));
      return true;
    }
    link.start();
    return true;
  }

  /** Gives up what is to be delivered to it, and the connection. */
  abandon(): void {
    this.#fail("lost", "the delivery was given up");
  }

  /** Connects if it is not connected and there is a reason to be. */
  #join(): void {
    if (this.#state.name !== "apart" || !this.#wanted) return;
    const state: State = { name: "dialling" };
    this.#state = state;
    // Not within the caller: a constructor does no I/O before it returns.
    queueMicrotask(() => void this.#dial(state, 0));
  }

  get #wanted(): boolean {
    return this.#ends > 0 || this.unfinished;
  }

  /** Up to where its stream has been received. */
  get #offset(): number {
    return this.#state.name === "joined" ? this.#state.reader.offset : this.#received;
  }

  /** Connects, again and again, as long as it is wanted and nothing else happens to the peer. */
  async #dial(state: State, firstPauseMs: number): Promise<void> {
    if (firstPauseMs > 0) await delay(firstPauseMs);
    let pauseMs = FIRST_REDIAL_MS;
    while (this.#state === state) {
      if (!this.#wanted) {
        this.#state = { name: "apart" };
        return;
      }
      const verdict = await this.#dialOnce(state);
      if (this.#state !== state) return;
      if (verdict === Verdict.crossed) {
        await delay(CROSSED_MS);
      } else {
        // Nobody there: it may have ended, which its node knows.
        this.#askEnded();
        await delay(pauseMs);
        pauseMs = Math.min(2 * pauseMs, MAX_REDIAL_MS);
      }
    }
  }

  /** Dials once; becomes joined, or gives the reason why not. */
  async #dialOnce(state: State): Promise<Verdict | "unreachable"> {
    const { pid, key, posthumous = false } = this.#context;
    let dialled: Dialled;
    try {
      dialled = await dial(this.remote, { from: pid, key, offset: this.#received, posthumous });
    } catch {
      return "unreachable"; // nobody there, or another process by now: tried again until that is known
    }
    const { conn, reply } = dialled;
    if (this.#state !== state || reply.verdict !== Verdict.welcome) {
      conn.close();
      return reply.verdict;
    }
    try {
      this.#joinWith(conn, reply.offset).start();
    } catch (error) {
      conn.close();
      this.#fail("lost", error instanceof Error ? error.message : String(error));
    }
    return reply.verdict;
  }

  #judge(greeting: Greeting): Verdict {
    if (this.gone) return Verdict.stranger;
    if (this.#state.name === "dialling" && !greeting.posthumous) {
      const keepsOwn = this.#context.pid < this.remote;
      if (keepsOwn) return Verdict.crossed;
    }
    return Verdict.welcome;
  }

  /** Makes `conn` the connection to the peer, which has received up to `offset`. */
  #joinWith(conn: Deno.TcpConn, offset: number): Link {
    this.#outbox.rewind(offset);
    this.#settleAcked();
    const reader = new FrameReader(this.#frames, this.#received);
    const events: LinkEvents = {
      beforeWrite: () => this.#acknowledge(),
      afterRead: () => this.#arrived(reader),
      ended: (error) => this.#broken(link, error),
    };
    const link: Link = new Link(conn, this.#outbox, reader, events);
    this.#acknowledged = this.#received;
    this.#idle = false;
    this.#remoteIdle = false;
    this.#state = { name: "joined", link, reader };
    if (this.#ackWaiters.length > 0) this.#outbox.append(FrameType.ask);
    this.#settle();
    return link;
  }

  /** Lets go of the connection; the stream goes on after the last whole frame. */
  #part(link: Link): void {
    this.#received = this.#offset;
    this.#state = { name: "apart" };
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
      // It has most likely ended: its node is asked first, and dialling takes a moment's rest.
      this.#askEnded();
      const state: State = { name: "dialling" };
      this.#state = state;
      void this.#dial(state, FIRST_REDIAL_MS);
    }
  }

  #askEnded(): void {
    if (this.#askedEnded) return;
    this.#askedEnded = true;
    this.#context.ended(this.remote).then(
      (status) => this.#hasEnded(status),
      (error) => this.#fail("lost", error instanceof Error ? error.message : String(error)),
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
    if (this.#state.name === "joined") this.#part(this.#state.link);
    this.#state = { name: "gone" };
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
    if (!this.#ackDue || this.#context.posthumous) return;
    this.#ackDue = false;
    this.#acknowledged = this.#offset;
    this.#outbox.appendFloat64(FrameType.ack, this.#acknowledged);
  }

  /** Bytes were read: they are acknowledged now if they are many, else by and by. */
  #arrived(reader: FrameReader): void {
    if (reader.offset - this.#acknowledged >= ACK_BYTES) {
      this.#ackDue = true;
      this.#kick();
    } else if (this.#ackDue && this.#ackTimer === undefined) {
      this.#ackTimer = startTimer(ACK_DELAY_MS, () => {
        this.#ackTimer = undefined;
        if (this.#ackDue) this.#kick();
      });
    }
  }

  #kick(): void {
    if (this.#state.name === "joined") this.#state.link.kick();
  }

  readonly #frames: FrameHandler = {
    value: (bytes, start, end) => {
      this.#ackDue = true;
      this.#remoteIdle = false;
      if (this.#context.posthumous) return false;
      return this.receiving.value(bytes, start, end);
    },
    begin: (length) => {
      this.#remoteIdle = false;
      this.receiving.begin(length);
    },
    pieceTarget: (length) => this.receiving.pieceTarget(length),
    piece: (length) => {
      this.#ackDue = true;
      this.receiving.piece(length);
    },
    control: (type, view, position) => this.#control(type, view, position),
  };

  #control(type: FrameType, view: DataView, position: number): void {
    switch (type) {
      case FrameType.cancel:
        this.#ackDue = true;
        return this.receiving.cancel();
      case FrameType.end:
        this.#ackDue = true;
        this.#remoteIdle = false;
        return this.receiving.end();
      case FrameType.stop:
        return this.sending.stop(view.getUint32(position, true), () => this.stoppedError());
      case FrameType.credit:
        return this.sending.credit(view.getUint32(position, true));
      case FrameType.ack:
        this.#outbox.ack(view.getFloat64(position, true));
        this.#settleAcked();
        return this.#settle();
      case FrameType.ask:
        this.#ackDue = true;
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
    this.#end = { kind: "exited", why: "the process has ended" };
    this.#ackDue = true;
    this.#acknowledge();
    this.#received = reader.offset;
    this.#state = { name: "apart" };
    void link.finish();
    this.#fail("exited", this.#end.why);
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
