/** Accepts connections, and authenticates each before it is used. */

import { messageOf } from "../core/errors.ts";
import { formatAddress } from "../core/pid.ts";
import { delay, startTimer } from "./delay.ts";

/** How long to wait when no connection can be accepted, usually because file descriptors have run out. */
const ACCEPT_RETRY_MS = 50;

/** The same line about the same host is logged at most this often. */
const REPEAT_MS = 60_000;

/** How many recent lines are remembered. */
const MAX_REMEMBERED = 256;

/** A source of connections. */
export interface AdmissionListener<Conn> {
  accept(): Promise<Conn>;
  close(): void;
}

/** How connections are admitted. */
export interface AdmissionOptions<Conn, Shown> {
  /** The listener, owned by the admission from now on. */
  readonly listener: AdmissionListener<Conn>;
  /** The most unauthenticated connections. If there is another one, the oldest is closed. */
  readonly max: number;
  /** How long a connection may be unauthenticated. */
  readonly timeoutMs: number;
  /**
   * Authenticates a connection; called as soon as it is accepted. If it throws, the connection is refused
   * for that reason. It reads from the connection, so closing the connection ends it.
   */
  readonly authenticate: (conn: Conn) => Promise<Shown>;
  /** Takes an authenticated connection, and owns it from now on. */
  readonly take: (conn: Conn, shown: Shown, remote: string) => void;
  /** Logs each refused connection, in one line, but does not repeat the same line. */
  readonly log: (line: string) => void;
}

interface Unauthenticated {
  refuse(why: string): void;
}

/**
 * Accepts connections until it is closed.
 *
 * Unauthenticated connections cost little: there are at most `max`, each for at most `timeoutMs`, and those
 * that never authenticate do not keep others out. A connection that ends before it has sent anything is not
 * an error, and is not logged.
 */
export class Admission<Conn extends Deno.Conn, Shown> implements AsyncDisposable {
  readonly #options: AdmissionOptions<Conn, Shown>;
  /** Oldest first. */
  readonly #unauthenticated = new Set<Unauthenticated>();
  /** The authentications under way, also those of connections that have been refused meanwhile. */
  readonly #admitting = new Set<Promise<void>>();
  readonly #said = new Map<string, number>();
  #closed = false;

  constructor(options: AdmissionOptions<Conn, Shown>) {
    this.#options = options;
    void this.#acceptAll();
  }

  /**
   * Stops accepting, and closes unauthenticated connections. Authenticated ones stay open. Resolves when
   * nothing is being authenticated any more: cryptography that has begun cannot be cancelled.
   */
  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#options.listener.close();
      for (const each of this.#unauthenticated) each.refuse("");
    }
    await Promise.all(this.#admitting);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #acceptAll(): Promise<void> {
    while (!this.#closed) {
      try {
        const conn = await this.#options.listener.accept();
        // Before its first byte: an answer of two small writes would take 40 ms otherwise.
        if (hasNoDelay(conn)) conn.setNoDelay(true);
        const admitting = this.#admit(conn);
        this.#admitting.add(admitting);
        void admitting.finally(() => this.#admitting.delete(admitting));
      } catch (error) {
        if (this.#closed || error instanceof Deno.errors.BadResource) return;
        this.#say("accept", `cannot accept connections: ${messageOf(error)}`);
        await delay(ACCEPT_RETRY_MS);
      }
    }
  }

  async #admit(conn: Conn): Promise<void> {
    const { max, timeoutMs, authenticate, take } = this.#options;
    let refused: string | undefined;
    const entry: Unauthenticated = {
      refuse: (why) => {
        refused = why;
        this.#unauthenticated.delete(entry);
        conn.close();
      },
    };
    const timer = startTimer(
      timeoutMs,
      () => entry.refuse(`it did not authenticate within ${timeoutMs / 1_000} s`),
    );
    for (const oldest of this.#unauthenticated) {
      if (this.#unauthenticated.size < max) break;
      oldest.refuse("it did not authenticate, and there are too many unauthenticated connections");
    }
    this.#unauthenticated.add(entry);
    const remote = remoteOf(conn);
    let shown: Shown;
    try {
      shown = await authenticate(conn);
      if (refused !== undefined) throw new Error(refused);
    } catch (error) {
      if (refused === undefined) conn.close();
      const why = refused ?? messageOf(error);
      if (!this.#closed && (refused !== undefined || !justEnded(error))) {
        const line = `refused a connection from ${remote.address}: ${why}`;
        this.#say(`${remote.host} ${why}`, line);
      }
      return;
    } finally {
      timer.onabort = null;
      this.#unauthenticated.delete(entry);
    }
    take(conn, shown, remote.address);
  }

  /** Logs a line, unless one with the same `key` was logged lately: refused peers try again. */
  #say(key: string, line: string): void {
    const nowMs = performance.now();
    if (nowMs - (this.#said.get(key) ?? -Infinity) < REPEAT_MS) return;
    this.#said.delete(key);
    this.#said.set(key, nowMs);
    for (const oldest of this.#said.keys()) {
      if (this.#said.size <= MAX_REMEMBERED) break;
      this.#said.delete(oldest);
    }
    this.#options.log(line);
  }
}

function hasNoDelay(conn: Deno.Conn): conn is Deno.TcpConn {
  return "setNoDelay" in conn;
}

function remoteOf({ remoteAddr }: Deno.Conn): { host: string; address: string } {
  if (!("hostname" in remoteAddr)) return { host: "", address: "this host" };
  const { hostname, port } = remoteAddr;
  return { host: hostname, address: formatAddress(hostname, port) };
}

/** Whether the other side closed the connection, or is gone. */
function justEnded(error: unknown): boolean {
  const { UnexpectedEof, ConnectionReset, BrokenPipe, ConnectionAborted } = Deno.errors;
  return [UnexpectedEof, ConnectionReset, BrokenPipe, ConnectionAborted]
    .some((kind) => error instanceof kind);
}
