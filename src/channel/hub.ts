/** All of a process's channels: its peers by Pid, and the port where they find it. */

import type { ExitStatus } from "../core/exit_status.ts";
import { formatAddress, parsePid, type Pid } from "../core/pid.ts";
import { acceptHandshake, HANDSHAKE_TIMEOUT_MS, importKey, Purpose } from "../net/handshake.ts";
import { delay, startTimer } from "./delay.ts";
import { type Greeting, readGreeting, Verdict, writeRefusal } from "./greeting.ts";
import type { Hold } from "./hold.ts";
import { ProtocolError } from "../wire/protocol_error.ts";
import { Peer, type PeerContext } from "./peer.ts";
import { encodeWill } from "./will.ts";

/** What a hub needs of its process. */
export interface HubOptions {
  readonly pid: Pid;
  /** The run's key: 32 bytes. */
  readonly key: Uint8Array<ArrayBuffer>;
  /** Listens where the Pid says. The hub unreferences it; the hold references it while it is held. */
  readonly listener: Deno.TcpListener;
  readonly hold: Hold;
  /** Resolves when a process has ended; rejects if there never was such a process. */
  readonly ended: (remote: Pid) => Promise<ExitStatus>;
  /** Takes one line about a connection that was refused. */
  readonly log: (line: string) => void;
}

/**
 * How many connections may be on their way to showing that they hold the key. For one more, the
 * oldest is closed: it takes milliseconds to show it, and those who never do must not be in the way.
 */
const MAX_STRANGERS = 256;

/** A connection of which nothing is known yet. */
interface Stranger {
  /** Closes it; `why` is what the log says of it. */
  readonly dismiss: (why: string) => void;
}

/** After an accept has failed, usually for want of file descriptors, the next one waits so long. */
const ACCEPT_PAUSE_MS = 50;

export class Hub {
  readonly pid: Pid;
  readonly hold: Hold;
  readonly #options: HubOptions;
  readonly #context: PeerContext;
  readonly #peers = new Map<Pid, Peer>();
  /** Connections that have not yet shown that they may be here, oldest first. */
  readonly #strangers = new Set<Stranger>();
  #leaving = false;

  constructor(options: HubOptions) {
    this.pid = options.pid;
    this.hold = options.hold;
    this.#options = options;
    let key: Promise<CryptoKey> | undefined;
    this.#context = {
      pid: options.pid,
      // Cryptography is loaded when the first connection needs it, not at every start.
      get key(): Promise<CryptoKey> {
        return key ??= importKey(options.key);
      },
      hold: options.hold,
      ended: options.ended,
      forget: (peer) => {
        if (this.#peers.get(peer.remote) === peer) this.#peers.delete(peer.remote);
      },
      log: options.log,
    };
    void this.#acceptAll();
  }

  /** The peer of that Pid, known or new. */
  peer(remote: Pid): Peer {
    let peer = this.#peers.get(remote);
    if (peer === undefined) {
      peer = new Peer(this.#context, remote);
      this.#peers.set(remote, peer);
    }
    return peer;
  }

  /** Whether something is not yet acknowledged, or a peer has not been told goodbye. */
  get dirty(): boolean {
    return this.#peers.values().some((peer) => peer.unfinished || peer.joined);
  }

  /**
   * Delivers everything that was sent, and says goodbye to all; resolves when that is done, or its
   * receivers are gone. Nothing may be sent afterwards. Holds the process meanwhile.
   */
  async flush(): Promise<void> {
    this.#leaving = true;
    this.hold.acquire();
    try {
      await Promise.all(Array.from(this.#peers.values(), (peer) => peer.leave()));
    } finally {
      this.hold.release();
    }
  }

  /** Everything that is not acknowledged, for the node to deliver; `undefined` if there is nothing. */
  writeWill(): Uint8Array<ArrayBuffer> | undefined {
    const peers = [];
    for (const peer of this.#peers.values()) {
      const saved = peer.save();
      if (saved !== undefined) peers.push(saved);
    }
    return peers.length === 0 ? undefined : encodeWill({ pid: this.pid, peers });
  }

  async #acceptAll(): Promise<void> {
    const { listener } = this.#options;
    for (;;) {
      let conn: Deno.TcpConn;
      try {
        conn = await listener.accept();
      } catch (error) {
        if (error instanceof Deno.errors.BadResource) return; // closed: the process ends
        await delay(ACCEPT_PAUSE_MS);
        continue;
      }
      void this.#receive(conn);
    }
  }

  /** Lets a connection show what it is, within a time limit, and gives it to its peer. */
  async #receive(conn: Deno.TcpConn): Promise<void> {
    conn.setNoDelay(true);
    conn.unref();
    const { hostname, port } = conn.remoteAddr;
    let dismissed: string | undefined;
    const stranger: Stranger = {
      dismiss: (why) => {
        dismissed = why;
        this.#strangers.delete(stranger);
        conn.close();
      },
    };
    const timer = startTimer(
      HANDSHAKE_TIMEOUT_MS,
      () => stranger.dismiss(`it said too little in ${HANDSHAKE_TIMEOUT_MS} ms`),
    );
    const known = () => {
      timer.onabort = null;
      this.#strangers.delete(stranger);
    };
    for (const oldest of this.#strangers) {
      if (this.#strangers.size < MAX_STRANGERS) break;
      oldest.dismiss(`it said too little, and there are too many like it`);
    }
    this.#strangers.add(stranger);
    try {
      await acceptHandshake(conn, { key: await this.#context.key }, [Purpose.channels]);
      const greeting = await readGreeting(conn);
      known();
      if (!await this.#welcome(conn, greeting)) conn.close();
    } catch (error) {
      known();
      if (dismissed === undefined) conn.close();
      // One that just ends is no offence: a process that dialled as it was dialled gives way so.
      if (dismissed === undefined && !(error instanceof ProtocolError)) return;
      const why = dismissed ?? (error as ProtocolError).message;
      this.#options.log(`refused a connection from ${formatAddress(hostname, port)}: ${why}`);
    }
  }

  /** Gives a connection to its peer; tells whether the peer keeps it. */
  async #welcome(conn: Deno.TcpConn, greeting: Greeting): Promise<boolean> {
    const isWanted = greeting.to === parsePid(this.pid)!.id && greeting.from !== this.pid;
    if (isWanted && !this.#leaving) return await this.peer(greeting.from).accept(conn, greeting);
    const known = isWanted ? this.#peers.get(greeting.from) : undefined;
    if (known !== undefined) return await known.accept(conn, greeting);
    await writeRefusal(conn, isWanted ? Verdict.ending : Verdict.stranger);
    return false;
  }
}
