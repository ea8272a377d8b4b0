/** All of a process's channels: its peers by Pid, and the places where it listens. */

import type { EndStatus } from "../core/exit_status.ts";
import type { HostLine } from "../core/logger.ts";
import { parsePid, type Pid } from "../core/pid.ts";
import {
  MAX_NAME,
  MAX_PEERS,
  MAX_UNREAD,
  type PeerTraffic,
  type UnreadChannel,
  type Wait,
} from "../core/waits.ts";
import { acceptPass, HANDSHAKE_TIMEOUT_MS, Protection, Purpose } from "../net/protocol.ts";
import { Admission, type Remote } from "../net/admission.ts";
import type { Accepted, ChannelProtection } from "../net/channel_protection.ts";
import type { Transport, TransportListener } from "../net/transport.ts";
import { type Greeting, readGreeting, Verdict, writeRefusal } from "./greeting.ts";
import { EXPECT_MS, FAR_EXPECT_MS } from "./connection.ts";
import { HeldEnds } from "./held_ends.ts";
import type { Hold } from "./hold.ts";
import { ProtocolError } from "../core/errors.ts";
import { Peer, type PeerContext } from "./peer.ts";
import { Unclaimed } from "./unclaimed.ts";
import { encodeWill } from "./will_format.ts";

/** The environment of a hub. */
export interface HubOptions {
  readonly pid: Pid;
  /** The run's key: 32 bytes. */
  readonly key: Uint8Array<ArrayBuffer>;
  /**
   * Where other processes connect: by Unix sockets those of this host, by TCP, at the address in the Pid,
   * the others. They are unreferenced; the hold references one of them while operations are pending.
   */
  readonly listeners: readonly TransportListener[];
  /** What protects connections with other hosts. @default there are none */
  readonly protection?: ChannelProtection | undefined;
  /** The folder with the Unix sockets of the run's processes on this host. @default none */
  readonly sockets?: string | undefined;
  readonly hold: Hold;
  /** Resolves when a process has ended; rejects if there never was such a process. */
  readonly ended: (remote: Pid) => Promise<EndStatus>;
  /** Logs one line about another process of the run, for whoever runs the program. */
  readonly log: (line: string) => void;
  /** Takes lines about connections that were refused or broken off; there may be any number. */
  readonly refused: (line: HostLine) => void;
  /** As in {@linkcode PeerContext}. */
  readonly undelivered?: PeerContext["undelivered"];
  readonly unreached?: PeerContext["unreached"];
  readonly patience?: PeerContext["patience"];
  /**
   * Called once for each process of whose failure the program got an error. @default does nothing
   */
  readonly noticed?: (remote: Pid) => void;
}

/** How many unauthenticated connections there may be, at about 10 KiB each. */
const MAX_UNAUTHENTICATED = 1_024;

/** A connection of a process of the same run. */
interface Authenticated extends Accepted {
  readonly greeting: Greeting;
}

export class Hub {
  readonly pid: Pid;
  readonly hold: Hold;
  readonly #options: HubOptions;
  readonly #context: PeerContext;
  /** Channels for which there is no Receiver yet. */
  readonly unclaimed: Unclaimed<Peer> = new Unclaimed();
  /** The ends of Senders that `await using` has just closed. */
  readonly heldEnds: HeldEnds = new HeldEnds();
  readonly #peers = new Map<Pid, Peer>();
  /**
   * Processes that have ended, and from which nothing is held but by ends that the program has not closed. They
   * stay for as long as the program has these ends: most programs drop them when the other process has ended.
   */
  readonly #ended = new Map<Pid, WeakRef<Peer>>();
  readonly #dropped = new FinalizationRegistry<Pid>((remote) => {
    if (this.#ended.get(remote)?.deref() === undefined) this.#ended.delete(remote);
  });
  /** Processes that have just been spawned, and are not peers yet, with the time; oldest first. */
  readonly #spawned = new Map<Pid, number>();
  /** The parent, if it is on another host, and the time until which it is expected to connect. */
  #farParent: { readonly pid: Pid; readonly untilMs: number } | undefined;
  /** The traffic with those that are not in `#peers` any more. */
  #earlierTraffic = 0;
  /** The processes of whose failures the program was told. */
  readonly #noticed = new Set<Pid>();
  /** The exit code, if this process is ending. */
  #exitCode: number | undefined;

  constructor(options: HubOptions) {
    this.pid = options.pid;
    this.hold = options.hold;
    this.#options = options;
    this.#context = {
      pid: options.pid,
      key: options.key,
      protection: options.protection,
      sockets: options.sockets,
      hold: options.hold,
      unclaimed: this.unclaimed,
      ended: options.ended,
      forget: (peer) => this.#forget(peer),
      loosen: (peer) => {
        if (!this.#forget(peer)) return;
        this.#ended.set(peer.remote, new WeakRef(peer));
        this.#dropped.register(peer, peer.remote);
      },
      noticed: (remote) => this.#notice(remote),
      log: options.log,
      refused: options.refused,
      ...(options.undelivered === undefined ? {} : { undelivered: options.undelivered }),
      ...(options.unreached === undefined ? {} : { unreached: options.unreached }),
      ...(options.patience === undefined ? {} : { patience: options.patience }),
    };
    for (const listener of options.listeners) {
      // It ends when the listener is closed, with the process.
      new Admission<Deno.TcpConn | Deno.UnixConn, Authenticated>({
        listener,
        max: MAX_UNAUTHENTICATED,
        timeoutMs: HANDSHAKE_TIMEOUT_MS,
        authenticate: (conn, begun, known) => this.#authenticate(conn, begun, known),
        take: (_conn, { transport, replaced, greeting }, remote) => {
          replaced?.close();
          void this.#welcome(transport, greeting, remote);
        },
        log: options.refused,
      });
    }
  }

  /** The peer of that Pid, known or new. */
  peer(remote: Pid): Peer {
    let peer = this.#known(remote);
    if (peer === undefined) {
      peer = new Peer(this.#context, remote);
      this.#peers.set(remote, peer);
      if (this.#spawned.delete(remote)) peer.expect(EXPECT_MS);
      else if (remote === this.#farParent?.pid) {
        const leftMs = this.#farParent.untilMs - performance.now();
        if (leftMs > 0) peer.expect(leftMs);
        this.#farParent = undefined;
      }
    }
    return peer;
  }

  /**
   * This process was spawned by `parent`: connects to it, since they will probably speak to each other, if
   * that takes no time. Resolves when this process has done its part.
   *
   * The parent counts on it: see {@linkcode Hub.hasSpawned}. Of two hosts, the parent connects, usually at
   * once: it takes some round trips, for which this process would delay its function.
   */
  async meet(parent: Pid): Promise<void> {
    if (this.#isNear(parent)) await this.peer(parent).meet();
    else if (this.#options.protection?.kind === Protection.encrypted) {
      this.#farParent = { pid: parent, untilMs: performance.now() + FAR_EXPECT_MS };
    }
  }

  /** This process has just spawned `child`, which will connect: this one need not. */
  hasSpawned(child: Pid): void {
    for (const [earlier, atMs] of this.#spawned) {
      if (performance.now() - atMs < EXPECT_MS) break;
      this.#spawned.delete(earlier);
    }
    if (!this.#peers.has(child) && this.#isNear(child)) this.#spawned.set(child, performance.now());
  }

  /** Makes what the first connection to another host would take the time to make. Repeated, it costs nothing. */
  async prepare(): Promise<void> {
    await this.#options.protection?.prepare();
  }

  /** What this process waits for, computed on demand. */
  *pending(): Generator<Wait, void, void> {
    for (const peer of this.#peers.values()) yield* peer.pending();
    for (const { name, waiter: { kind } } of this.unclaimed.waiting()) {
      yield { kind: "accept", name, select: kind === "select" };
    }
  }

  /** How many connections to other processes there are. */
  get connections(): number {
    return this.#peers.values().filter((peer) => peer.joined).toArray().length;
  }

  /** Changes whenever data was sent to another process or received from one. */
  get traffic(): number {
    let bytes = this.#earlierTraffic;
    for (const peer of this.#peers.values()) bytes += peer.traffic;
    return bytes;
  }

  /** What this process has sent to each peer so far; of very many, to the first ones. */
  sent(): PeerTraffic[] {
    const sent: PeerTraffic[] = [];
    for (const peer of this.#all()) {
      if (sent.length === MAX_PEERS) break;
      const traffic = peer.sent;
      if (traffic.values > 0 || traffic.full.length > 0) sent.push(traffic);
    }
    return sent;
  }

  /** The channels with values that have arrived, and that nobody has taken; of very many, the first ones. */
  unread(): UnreadChannel[] {
    const unread: UnreadChannel[] = [];
    for (const { remote, receiving } of this.#all()) {
      for (const channel of receiving.received()) {
        if (unread.length === MAX_UNREAD) return unread;
        const held = channel.unread();
        if (held.values > 0) {
          unread.push({ remote, name: channel.name.slice(0, MAX_NAME), ...held });
        }
      }
    }
    return unread;
  }

  /** Whether data is unacknowledged, or a peer has not been sent its `bye`. */
  get dirty(): boolean {
    return this.#peers.values().some((peer) => peer.unfinished || peer.engaged);
  }

  /** This process is about to fail: channels that `await using` has just closed stay open. */
  fail(): void {
    this.heldEnds.settle(false);
  }

  /**
   * Delivers everything that was sent, and sends `bye` to all peers; resolves when that is done, or the
   * receivers are gone. Nothing may be sent afterwards. Keeps the process alive meanwhile.
   *
   * @param code The future exit code of the process.
   * @param lastWords Called when everything is delivered. It may send more, and returns the final exit code.
   */
  async flush(code: number, lastWords: () => number = () => code): Promise<void> {
    this.#exitCode = systemCode(code);
    this.heldEnds.settle(this.#exitCode === 0);
    this.hold.acquire();
    try {
      await Promise.all(Array.from(this.#peers.values(), (peer) => peer.deliver()));
      const own = this.#exitCode = systemCode(lastWords());
      this.heldEnds.settle(own === 0);
      await Promise.all(Array.from(this.#peers.values(), (peer) => peer.leave(own)));
    } finally {
      this.hold.release();
    }
  }

  /**
   * Everything that is not acknowledged, in parts, for the node to deliver; `undefined` if there is nothing. What is
   * sent from now on is not written to connections, but only to the next will, until {@linkcode resume}.
   *
   * @param code The future exit code of the process, unless it continues after all.
   */
  writeWill(code: number): Uint8Array<ArrayBuffer>[] | undefined {
    if (systemCode(code) === 0) this.heldEnds.settle(true);
    const peers = [];
    for (const peer of this.#peers.values()) {
      const saved = peer.save();
      if (saved !== undefined) peers.push(saved);
    }
    return peers.length === 0 ? undefined : encodeWill({ pid: this.pid, peers });
  }

  /** This process goes on after {@linkcode writeWill}: what was sent meanwhile is written. */
  resume(): void {
    for (const peer of this.#peers.values()) peer.resume();
  }

  #known(remote: Pid): Peer | undefined {
    return this.#peers.get(remote) ?? this.#ended.get(remote)?.deref();
  }

  /** The peers, also those that have ended and to which the program still has an end. */
  *#all(): Generator<Peer, void, void> {
    yield* this.#peers.values();
    for (const ended of this.#ended.values()) {
      const peer = ended.deref();
      if (peer !== undefined) yield peer;
    }
  }

  /** Forgets a peer; returns whether it was held until now. */
  #forget(peer: Peer): boolean {
    if (this.#peers.get(peer.remote) !== peer) {
      if (this.#ended.get(peer.remote)?.deref() === peer) this.#ended.delete(peer.remote);
      return false;
    }
    this.#peers.delete(peer.remote);
    this.#earlierTraffic += peer.traffic;
    return true;
  }

  /** Whether a process can be reached by its Unix socket. */
  #isNear(remote: Pid): boolean {
    const { sockets } = this.#context;
    return sockets !== undefined && hasSocket(sockets, parsePid(remote)!.id);
  }

  #notice(remote: Pid): void {
    if (this.#noticed.has(remote)) return;
    this.#noticed.add(remote);
    this.#options.noticed?.(remote);
  }

  async #authenticate(
    conn: Deno.TcpConn | Deno.UnixConn,
    begun: () => void,
    known: (ms: number) => void,
  ): Promise<Authenticated> {
    const { key, protection } = this.#context;
    conn.unref();
    if (!isTcp(conn)) {
      await acceptPass(conn, key, Purpose.channels);
      return { transport: conn, greeting: await readGreeting(conn) };
    }
    if (protection === undefined) throw new Error("it has no connections with other hosts");
    const accepted = await protection.accepted(conn, begun, known);
    return { ...accepted, greeting: await readGreeting(accepted.transport) };
  }

  /** Passes a connection to its peer, or closes it if the peer refuses it. */
  async #welcome(conn: Transport, greeting: Greeting, { host, address }: Remote): Promise<void> {
    try {
      if (await this.#isKept(conn, greeting)) return;
    } catch (error) {
      // One that broke during the answer is dialled again.
      if (error instanceof ProtocolError) {
        const line = `refused a connection from ${address}: ${error.message}`;
        this.#options.refused({ host, line });
      }
    }
    conn.close();
  }

  async #isKept(conn: Transport, greeting: Greeting): Promise<boolean> {
    const isWanted = greeting.to === parsePid(this.pid)!.id && greeting.from !== this.pid;
    const code = this.#exitCode;
    if (isWanted && code === undefined) {
      return await this.peer(greeting.from).accept(conn, greeting);
    }
    const known = isWanted ? this.#known(greeting.from) : undefined;
    if (known !== undefined) return await known.accept(conn, greeting);
    await writeRefusal(conn, isWanted ? Verdict.ending : Verdict.unknown, isWanted ? code : 0);
    return false;
  }
}

function isTcp(conn: Deno.TcpConn | Deno.UnixConn): conn is Deno.TcpConn {
  return conn.localAddr.transport === "tcp";
}

function hasSocket(folder: string, id: string): boolean {
  try {
    return Deno.lstatSync(`${folder}/${id}`).isSocket === true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** An exit code as the system reports it. */
function systemCode(code: number): number {
  return Deno.build.os === "windows" ? code >>> 0 : code & 0xff;
}
