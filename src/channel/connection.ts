/**
 * The connection to another process, of which there is at most one: dialled by either side, replaced when
 * it breaks or when both have dialled at once, and ended in order or abandoned.
 *
 * It only carries the streams. They know whether it is needed, and the only state that one link leaves to
 * the next is where they resume.
 */

import type { HostLine } from "../core/logger.ts";
import { formatAddress, NO_PORT, parsePid, type Pid, shortPid } from "../core/pid.ts";
import type { TimedGate } from "../core/timed_gate.ts";
import { lacksFiles, ProtocolError } from "../core/errors.ts";
import { startTimer, type Timer } from "../net/delay.ts";
import type { ChannelProtection } from "../net/channel_protection.ts";
import type { Patience } from "../net/liveness.ts";
import type { Transport } from "../net/transport.ts";
import { ProcessDialer, type ProcessDialerEvents } from "./process_dialer.ts";
import { type FrameHandler, FrameReader } from "./frame_reader.ts";
import { encodeReply, type Greeting, judge, Verdict, writeRefusal } from "./greeting.ts";
import { Link, type LinkEvents } from "./link.ts";
import type { Outbox } from "./outbox.ts";
import { afterObstacle, obstacleOf, PATIENCE } from "./dial.ts";
import { absenceEnd, type End, refusalEnd } from "./remote_end.ts";

/** The identity for which connections are made. */
export interface ConnectionContext {
  readonly pid: Pid;
  /** The run's key. */
  readonly key: Uint8Array<ArrayBuffer>;
  /** What protects connections to other hosts; `undefined` if there are none. */
  readonly protection: ChannelProtection | undefined;
  /** The folder with the Unix sockets of the run's processes on this host; `undefined` if there is none. */
  readonly sockets?: string | undefined;
  /** Set when a will is delivered: `pid` has ended, and accepts nothing. */
  readonly posthumous?: boolean;
  /** Where attempts to connect wait for their turn. @default none waits */
  readonly gate?: TimedGate;
  /** Logs one line about something that should not happen. */
  readonly log: (line: string) => void;
  /** Takes a line about a connection that was broken off. @default it goes nowhere */
  readonly refused?: (line: HostLine) => void;
  /**
   * Tells the node of this process that it cannot connect to that one, and why; resolves with whether that one still
   * runs. Rejects if there is no such process. @default nobody is told, and it is taken to run
   */
  readonly unreached?: (remote: Pid, why: string) => Promise<boolean>;
  /** @default PATIENCE */
  readonly patience?: Patience;
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

/** How long a process that was spawned from another host expects its parent to connect. */
export const FAR_EXPECT_MS = 40;

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
  /** Whether the node is being asked if the other process, which cannot be reached, still runs. */
  #asking = false;

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

  /** The other process is about to connect: for so long, this one does not. */
  expect(ms: number): void {
    this.#expected = startTimer(ms, () => {
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
    const { pid, key, protection, sockets, gate, posthumous = false } = this.#context;
    const options = {
      from: pid,
      key,
      protection,
      sockets,
      offset: this.#received,
      posthumous,
      gate,
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
        const absence = absenceEnd(error, posthumous);
        const isFar = this.#isFar && this.#context.unreached !== undefined;
        // On another host, a firewall may have refused it.
        const isSure = absence !== undefined && !(isFar && obstacleOf(error) !== undefined);
        const end = isSure ? absence : undefined;
        this.#unmet(end);
        if (!isSure) void this.#unreached(dialer, error, forMs, absence);
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

  /** Whether the other process is on another host. */
  get #isFar(): boolean {
    return parsePid(this.#context.pid)!.host !== parsePid(this.#remote)!.host;
  }

  /**
   * All attempts for the last `forMs` have found nobody. Says so once, and gives the process up in the end, if it still
   * runs; if not, and `absence` is given, that is its end.
   */
  async #unreached(
    dialer: ProcessDialer,
    error: unknown,
    forMs: number,
    absence: End | undefined,
  ): Promise<void> {
    const why = obstacleOf(error);
    const next = afterObstacle(forMs, this.#context.patience ?? PATIENCE);
    // On one host there is nothing in between.
    if (why === undefined || !(this.#isFar || lacksFiles(error)) || this.#asking) return;
    const isSaid = this.#obstacle !== undefined;
    if (absence === undefined && (next === "retry" || (next === "say" && isSaid))) return;
    this.#asking = true;
    const runs = await this.#runs(why);
    // One that has ended is not asked about again: its node will tell how.
    if (!runs && absence === undefined) return;
    this.#asking = false;
    if (this.#state.name !== "dialling" || this.#state.dialer !== dialer) return;
    if (!runs) return this.#unmet(absence);
    if (next === "retry") return;
    const { host, port } = parsePid(this.#remote)!;
    const address = port === NO_PORT ? host : formatAddress(host, port);
    const own = parsePid(this.#context.pid)!.host;
    const what = `it cannot be reached at ${address} from ${own}: ${why}`;
    this.#obstacle = { address, why };
    if (!isSaid) this.#context.log(`cannot connect to ${shortPid(this.#remote)}: ${what}`);
    if (next === "say") return;
    const seconds = Math.round(forMs / 1_000);
    this.#streams.ended({ kind: "lost", why: `${what} for ${seconds} s` });
  }

  async #runs(why: string): Promise<boolean> {
    try {
      return await this.#context.unreached?.(this.#remote, why) ?? true;
    } catch {
      // There is no such process, which the peer is told by its node, too.
      return false;
    }
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
      answer: () => this.#streams.answer(),
      ended: (error) => this.#broken(link, error),
    });
    this.#become({ name: "joined", link, reader, dialledMs });
    this.#obstacle = undefined;
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
    if (this.#state.name === "closed" && this.#state.ending === link) {
      // Its buffers are not needed any more.
      this.#state = { name: "closed", ending: undefined };
    }
    if (this.#state.name !== "joined" || this.#state.link !== link) return;
    this.#part(link);
    if (error instanceof ProtocolError) {
      const why = `it broke the protocol: ${error.message}`;
      const { host } = parsePid(this.#remote)!;
      const line = `closed the connection to ${shortPid(this.#remote)} on ${host}: ${why}`;
      this.#context.refused?.({ host, line });
      return this.#streams.ended({ kind: "lost", why });
    }
    // If both sides had ended it, it is merely needed again. Otherwise the process has probably ended, and
    // dialling waits a moment.
    const inOrder = error === undefined && link.finishing;
    this.#streams.parted(inOrder);
    this.join(!inOrder);
  }
}
