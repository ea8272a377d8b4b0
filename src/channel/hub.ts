/** All of a process's channels: its peers by Pid, and the places where it listens. */

import type { ExitStatus } from "../core/exit_status.ts";
import { parsePid, type Pid } from "../core/pid.ts";
import type { Wait } from "../core/waits.ts";
import { Admission } from "../net/admission.ts";
import {
  acceptHandshake,
  acceptPass,
  HANDSHAKE_TIMEOUT_MS,
  Purpose,
  RunKey,
} from "../net/handshake.ts";
import type { Transport, TransportListener } from "../net/transport.ts";
import { type Greeting, readGreeting, Verdict, writeRefusal } from "./greeting.ts";
import { EXPECT_MS } from "./connection.ts";
import { HeldEnds } from "./held_ends.ts";
import type { Hold } from "./hold.ts";
import { ProtocolError } from "../core/protocol_error.ts";
import { Peer, type PeerContext } from "./peer.ts";
import { Unclaimed } from "./unclaimed.ts";
import { encodeWill } from "./will.ts";

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
  /** The folder with the Unix sockets of the run's processes on this host. @default none */
  readonly sockets?: string | undefined;
  readonly hold: Hold;
  /** Resolves when a process has ended; rejects if there never was such a process. */
  readonly ended: (remote: Pid) => Promise<ExitStatus>;
  /** Logs one line about a refused connection. */
  readonly log: (line: string) => void;
  /**
   * Called once for each process of whose failure the program got an error. @default does nothing
   */
  readonly noticed?: (remote: Pid) => void;
}

/** How many unauthenticated connections there may be. */
const MAX_UNAUTHENTICATED = 256;

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
  /** Processes that have just been spawned, and are not peers yet, with the time; oldest first. */
  readonly #spawned = new Map<Pid, number>();
  /** The traffic with dropped peers. */
  #forgottenTraffic = 0;
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
      key: new RunKey(options.key),
      sockets: options.sockets,
      hold: options.hold,
      unclaimed: this.unclaimed,
      ended: options.ended,
      forget: (peer) => {
        if (this.#peers.get(peer.remote) !== peer) return;
        this.#peers.delete(peer.remote);
        this.#forgottenTraffic += peer.traffic;
      },
      noticed: (remote) => this.#notice(remote),
      log: options.log,
    };
    for (const listener of options.listeners) {
      // It ends when the listener is closed, with the process.
      new Admission<Deno.TcpConn | Deno.UnixConn, Greeting>({
        listener,
        max: MAX_UNAUTHENTICATED,
        timeoutMs: HANDSHAKE_TIMEOUT_MS,
        authenticate: (conn) => this.#authenticate(conn),
        take: (conn, greeting, remote) => void this.#welcome(conn, greeting, remote),
        log: options.log,
      });
    }
  }

  /** The peer of that Pid, known or new. */
  peer(remote: Pid): Peer {
    let peer = this.#peers.get(remote);
    if (peer === undefined) {
      peer = new Peer(this.#context, remote);
      this.#peers.set(remote, peer);
      if (this.#spawned.delete(remote)) peer.expect();
    }
    return peer;
  }

  /**
   * This process was spawned by `parent`: connects to it, since they will probably speak to each other, if
   * that takes no time. Resolves when this process has done its part.
   *
   * The parent counts on it: see {@linkcode Hub.hasSpawned}.
   */
  async meet(parent: Pid): Promise<void> {
    if (this.#isNear(parent)) await this.peer(parent).meet();
  }

  /** This process has just spawned `child`, which will connect: this one need not. */
  hasSpawned(child: Pid): void {
    for (const [earlier, atMs] of this.#spawned) {
      if (performance.now() - atMs < EXPECT_MS) break;
      this.#spawned.delete(earlier);
    }
    if (!this.#peers.has(child) && this.#isNear(child)) this.#spawned.set(child, performance.now());
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
    let bytes = this.#forgottenTraffic;
    for (const peer of this.#peers.values()) bytes += peer.traffic;
    return bytes;
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
   * Everything that is not acknowledged, for the node to deliver; `undefined` if there is nothing. What is
   * sent from now on is not written to connections, but only to the next will, until {@linkcode resume}.
   *
   * @param code The future exit code of the process, unless it continues after all.
   */
  writeWill(code: number): Uint8Array<ArrayBuffer> | undefined {
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

  async #authenticate(conn: Deno.TcpConn | Deno.UnixConn): Promise<Greeting> {
    const { key } = this.#context;
    conn.unref();
    if (conn.localAddr.transport === "unix") await acceptPass(conn, key, Purpose.channels);
    else await acceptHandshake(conn, { key: await key.imported }, [Purpose.channels]);
    return await readGreeting(conn);
  }

  /** Passes a connection to its peer, or closes it if the peer refuses it. */
  async #welcome(conn: Transport, greeting: Greeting, remote: string): Promise<void> {
    try {
      if (await this.#isKept(conn, greeting)) return;
    } catch (error) {
      // One that broke during the answer is dialled again.
      if (error instanceof ProtocolError) {
        this.#options.log(`refused a connection from ${remote}: ${error.message}`);
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
    const known = isWanted ? this.#peers.get(greeting.from) : undefined;
    if (known !== undefined) return await known.accept(conn, greeting);
    await writeRefusal(conn, isWanted ? Verdict.ending : Verdict.unknown, isWanted ? code : 0);
    return false;
  }
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
