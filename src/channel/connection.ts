/**
 * The connection to another process, of which there is at most one: dialled by either side, replaced when
 * it breaks or when both have dialled at once, and ended in order or abandoned.
 *
 * It only carries the streams. They know whether it is needed, and the only state that one link leaves to
 * the next is where they resume.
 */

import { formatAddress, parsePid, type Pid, shortPid } from "../core/pid.ts";
import { ProtocolError } from "../core/protocol_error.ts";
import { startTimer, type Timer } from "../net/delay.ts";
import type { RunKey } from "../net/handshake.ts";
import type { Transport } from "../net/transport.ts";
import { ProcessDialer, type ProcessDialerEvents } from "./process_dialer.ts";
import { type FrameHandler, FrameReader } from "./frame_reader.ts";
import { encodeReply, type Greeting, judge, Verdict, writeRefusal } from "./greeting.ts";
import { Link, type LinkEvents } from "./link.ts";
import type { Outbox } from "./outbox.ts";
import { afterObstacle, obstacleOf } from "./reach.ts";
import { absenceEnd, type End, refusalEnd } from "./remote_end.ts";

/** The identity for which connections are made. */
export interface ConnectionContext {
  readonly pid: Pid;
  /** The run's key. */
  readonly key: RunKey;
  /** The folder with the Unix sockets of the run's processes on this host; `undefined` if there is none. */
  readonly sockets?: string | undefined;
  /** Set when a will is delivered: `pid` has ended, and accepts nothing. */
  readonly posthumous?: boolean;
  /** Logs one line about something that should not happen. */
  readonly log: (line: string) => void;
}

/** The streams that a connection carries. */
export interface Streams extends Pick<ProcessDialerEvents, "wanted">, Omit<LinkEvents, "ended"> {
  /** What goes out. */
  readonly outbox: Outbox;
  /** Takes what comes in. */
  readonly frames: FrameHandler;
  /** A link begins: data that is now put into the outbox is in its first write. */
  joined(): void;
  /** The link is over; another one follows if it is needed. `inOrder` if both sides had ended it. */
  parted(inOrder: boolean): void;
  /** The process is not found at its address, and may have ended. */
  unfound(): void;
  /** The other process has ended, or has to be considered ended. */
  ended(end: End): void;
}

/** How long a process that has just been spawned is expected to connect. */
export const EXPECT_MS = 1_000;

type State =
  /** There is no link, and none is needed. */
  | { readonly name: "apart" }
  | { readonly name: "dialling"; readonly dialer: ProcessDialer }
  | {
    readonly name: "joined";
    readonly link: Link;
    readonly reader: FrameReader;
    /** When this process dialled it; `undefined` if the other one did. */
    readonly dialledMs: number | undefined;
  }
  /** There will be no more links; the last one may still be ending in order. */
  | { readonly name: "closed"; readonly ending: Link | undefined };

export class Connection {
  readonly #context: ConnectionContext;
  readonly #remote: Pid;
  readonly #streams: Streams;
  #state: State = { name: "apart" };
  /** The offset up to which earlier links have received the other process's stream. */
  #received: number;
  /** Set while the other process is expected to connect. */
  #expected: Timer | undefined;
  /** Whether it was logged that another process listens at the address. */
  #logged = false;
  /** Why there is no connection, if that has been so for a while. */
  #obstacle: { readonly address: string; readonly why: string } | undefined;
  #saidUnreached = false;

  /** `received` is the offset up to which the other process's stream has been received before. */
  constructor(context: ConnectionContext, remote: Pid, streams: Streams, received: number) {
    this.#context = context;
    this.#remote = remote;
    this.#streams = streams;
    this.#received = received;
  }

  /** Whether there is a link. */
  get joined(): boolean {
    return this.#state.name === "joined";
  }

  /** The offset up to which the other process's stream has been received. */
  get received(): number {
    return this.#state.name === "joined" ? this.#state.reader.offset : this.#received;
  }

  /** Why there is no connection, and to which address, if it has been tried in vain for a while. */
  get obstacle(): { readonly address: string; readonly why: string } | undefined {
    return this.#state.name === "dialling" ? this.#obstacle : undefined;
  }

  /** Connects if there is no link and one is needed; after a break, it waits first. */
  join(afterBreak = false): void {
    if (this.#state.name !== "apart" || !this.#streams.wanted()) return;
    if (this.#expected === undefined) this.#dial(afterBreak);
    else this.#streams.unfound(); // it may have ended without having dialled
  }

  /**
   * Connects although no connection is needed yet; once, and not if that fails. Resolves when nothing more
   * has to be done here until the other process answers.
   */
  meet(): Promise<void> {
    if (this.#state.name !== "apart") return Promise.resolve();
    return new Promise((greeted) => this.#dial(false, greeted));
  }

  /** The other process is about to connect: for a while, this one does not. */
  expect(): void {
    this.#expected = startTimer(EXPECT_MS, () => {
      this.#expected = undefined;
      this.join();
    });
  }

  /** Writes the outbox, and connects if needed. */
  kick(): void {
    if (this.#state.name === "joined") this.#state.link.kick();
    else this.join();
  }

  /**
   * Accepts a link that the other process has dialled, or refuses it; returns which.
   *
   * @throws {Error} If the link broke, or the greeting is impossible; `conn` is the caller's then.
   */
  async accept(conn: Transport, greeting: Greeting): Promise<boolean> {
    const verdict = judge(greeting, {
      pid: this.#context.pid,
      gone: this.#state.name === "closed",
      acked: this.#streams.outbox.acked,
      dialledAgoMs: this.#dialledAgoMs,
    });
    if (verdict !== Verdict.welcome) {
      await writeRefusal(conn, verdict);
      return false;
    }
    // Data in an older link is sent again on this one.
    if (this.#state.name === "joined") this.#part(this.#state.link);
    const reply = encodeReply({ verdict, number: this.#received });
    this.#joinWith(conn, greeting.offset, undefined, reply);
    return true;
  }

  /**
   * Ends the link in order, if there is one: the outbox is written, and then no more. Resolves when that is
   * done, also for a link that {@linkcode close} ends.
   */
  async finish(): Promise<void> {
    const state = this.#state;
    if (state.name === "joined") await state.link.finish();
    else if (state.name === "closed") await state.ending?.finish();
  }

  /**
   * Ends the connection permanently: no other link is dialled or accepted. The current one is abandoned, or
   * with `inOrder` ended in order.
   */
  close(inOrder: boolean): void {
    const link = this.#state.name === "joined" ? this.#state.link : undefined;
    this.#received = this.received;
    this.#become({ name: "closed", ending: inOrder ? link : undefined });
    if (inOrder) void link?.finish();
    else link?.drop();
  }

  /** How long ago this process dialled: 0 during an attempt, `Infinity` if it has not. */
  get #dialledAgoMs(): number {
    const state = this.#state;
    if (state.name === "dialling" && state.dialer.attempting) return 0;
    if (state.name !== "joined" || state.dialledMs === undefined) return Infinity;
    return performance.now() - state.dialledMs;
  }

  #become(state: State): void {
    if (this.#expected !== undefined && state.name !== "apart") {
      this.#expected.onabort = null;
      this.#expected = undefined;
    }
    if (this.#state.name === "dialling") {
      if (state.name === "closed") this.#state.dialer.abort();
      else this.#state.dialer.stop();
    }
    this.#state = state;
  }

  /**
   * Connects repeatedly, as long as it is needed and the state does not change. With `met`, also once if it
   * is not needed; `met` is called when this process has done its part, or the attempt has failed.
   */
  #dial(afterBreak: boolean, met?: () => void): void {
    const { pid, key, sockets, posthumous = false } = this.#context;
    const options = {
      from: pid,
      key,
      sockets,
      offset: this.#received,
      posthumous,
      greeted: met,
    };
    const dialer = new ProcessDialer(this.#remote, options, {
      wanted: () => this.#streams.wanted(),
      unwanted: () => this.#become({ name: "apart" }),
      welcome: ({ conn, reply }) => {
        try {
          this.#joinWith(conn, reply.number, performance.now());
        } catch (error) {
          conn.close();
          if (!(error instanceof ProtocolError)) throw error;
        }
      },
      refused: (reply) => this.#unmet(refusalEnd(reply, posthumous)),
      unreachable: (error, forMs) => {
        const end = absenceEnd(error, posthumous) ?? this.#unreached(error, forMs);
        this.#unmet(end);
        if (end !== undefined || !(error instanceof ProtocolError) || this.#logged) return;
        this.#logged = true;
        this.#context.log(
          `cannot connect to ${this.#remote}, retrying: ${error.message}`,
        );
      },
    });
    this.#become({ name: "dialling", dialer });
    // Not within the caller: a constructor does no I/O before it returns.
    queueMicrotask(() => void dialer.start({ afterBreak, eager: met !== undefined }));
  }

  /** An attempt to connect failed: says so once, and gives the end if the process is given up. */
  #unreached(error: unknown, forMs: number): End | undefined {
    const obstacle = obstacleOf(error);
    const [own, other] = [parsePid(this.#context.pid)!, parsePid(this.#remote)!];
    // On one host there is nothing in between.
    if (obstacle === undefined || own.host === other.host) return undefined;
    const next = afterObstacle(obstacle, forMs);
    if (next === "retry") return undefined;
    const address = formatAddress(other.host, other.port);
    const why = `it cannot be reached at ${address} from ${own.host}: ${obstacle.why}`;
    this.#obstacle = { address, why: obstacle.why };
    if (next === "give up") {
      return { kind: "lost", why: `${why} for ${Math.round(forMs / 1_000)} s` };
    }
    if (!this.#saidUnreached) {
      this.#context.log(`cannot connect to ${shortPid(this.#remote)}: ${why}`);
    }
    this.#saidUnreached = true;
    return undefined;
  }

  /** An attempt failed in a way that shows `end`, or nothing certain. */
  #unmet(end: End | undefined): void {
    if (end !== undefined) this.#streams.ended(end);
    else if (this.#streams.wanted()) this.#streams.unfound();
  }

  /**
   * Makes `conn` the link to the other process, which has received up to `offset`.
   *
   * @throws {ProtocolError} If that is impossible; the streams cannot continue then.
   */
  #joinWith(
    conn: Transport,
    offset: number,
    dialledMs: number | undefined,
    reply?: Uint8Array,
  ): void {
    const { outbox, frames } = this.#streams;
    try {
      outbox.rewind(offset);
    } catch (error) {
      if (error instanceof ProtocolError) {
        this.#streams.ended({
          kind: "lost",
          why: `it resumed in an impossible state: ${error.message}`,
        });
      }
      throw error;
    }
    const reader = new FrameReader(frames, this.#received);
    const link: Link = new Link(conn, outbox, reader, {
      beforeWrite: () => this.#streams.beforeWrite(),
      afterRead: () => this.#streams.afterRead(),
      ended: (error) => this.#broken(link, error),
    });
    this.#become({ name: "joined", link, reader, dialledMs });
    this.#obstacle = undefined;
    this.#saidUnreached = false;
    this.#streams.joined();
    link.start(reply);
  }

  /** Drops the link; the other process's stream resumes after its last complete frame. */
  #part(link: Link): void {
    this.#received = this.received;
    this.#become({ name: "apart" });
    link.drop();
  }

  #broken(link: Link, error: Error | undefined): void {
    if (this.#state.name !== "joined" || this.#state.link !== link) return;
    this.#part(link);
    if (error instanceof ProtocolError) {
      const why = `it broke the protocol: ${error.message}`;
      this.#context.log(`closed the connection to ${this.#remote}: ${why}`);
      return this.#streams.ended({ kind: "lost", why });
    }
    // If both sides had ended it, it is merely needed again. Otherwise the process has probably ended, and
    // dialling waits a moment.
    const inOrder = error === undefined && link.finishing;
    this.#streams.parted(inOrder);
    this.join(!inOrder);
  }
}
