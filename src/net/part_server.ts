/** Where a part of a cluster listens for others: it takes only those who show that they belong. */

import type { Address } from "../core/address.ts";
import { messageOf } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { formatAddress } from "../core/pid.ts";
import { acceptHandshake, type Credential, HANDSHAKE_TIMEOUT_MS, Purpose } from "./handshake.ts";

/** How many connections may be about to show who they are; one more, and the oldest goes. */
const MAX_STRANGERS = 256;

/** How many connections the kernel keeps until they are accepted. */
const BACKLOG = 2_000;

/** How long to wait when no connection can be accepted, since too many files are open. */
const ACCEPT_RETRY_MS = 50;

/** The same is said of the same host no more often than that. */
const REPEAT_MS = 60_000;

/** Of how many lines it is known when they were said. */
const MAX_REMEMBERED = 256;

/** Takes a connection, which is its own from then on; `remote` is the address of the other end. */
export type PartHandler = (conn: Deno.Conn, remote: string) => void;

export interface PartServerOptions {
  /** Where to listen; port 0 is any that is free. */
  readonly address: Address;
  readonly credential: Credential;
  /** What to do for those who come; for no other purpose may anyone come. */
  readonly handlers: Readonly<Partial<Record<Purpose, PartHandler>>>;
  /** Is told of those who were not taken. */
  readonly logger: Logger;
  /** Encrypts: a certificate and its key, in PEM. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
}

/** It is not possible to listen there. The message is one line. */
export class ListenError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ListenError";
  }
}

/**
 * Listens, and hands each connection to the handler of its purpose once both sides have shown that they
 * have the same secret. Who has not done so in 5 s is dropped; nothing is kept of what it said.
 */
export class PartServer implements Disposable {
  /** Where it listens, with the port that it got. */
  readonly address: Address;
  readonly #options: PartServerOptions;
  readonly #purposes: readonly Purpose[];
  readonly #listener: Deno.TcpListener | Deno.TlsListener;
  readonly #strangers = new Set<{ readonly dismiss: (why: string) => void }>();
  readonly #said = new Map<string, number>();
  #closed = false;

  /** @throws {ListenError} If it is not possible to listen there. */
  constructor(options: PartServerOptions) {
    this.#options = options;
    this.#purposes = Object.values(Purpose).filter((each) => options.handlers[each] !== undefined);
    const { host, port } = options.address;
    this.#listener = listen(options);
    this.address = { host, port: port === 0 ? this.#listener.addr.port : port };
    void this.#acceptAll();
  }

  /** Accepts no more, and drops who has not shown who it is. Connections handed out stay open. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.close();
    for (const stranger of this.#strangers) stranger.dismiss("");
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #acceptAll(): Promise<void> {
    while (!this.#closed) {
      let conn: Deno.TcpConn | Deno.TlsConn;
      try {
        conn = await this.#listener.accept();
      } catch (error) {
        if (this.#closed) return;
        this.#say("accept", `Cannot accept connections: ${messageOf(error)}`);
        await new Promise((resolve) => setTimeout(resolve, ACCEPT_RETRY_MS));
        continue;
      }
      void this.#greet(conn);
    }
  }

  async #greet(conn: Deno.TcpConn | Deno.TlsConn): Promise<void> {
    const { hostname, port } = conn.remoteAddr as Deno.NetAddr;
    const remote = formatAddress(hostname, port);
    let dismissed: string | undefined;
    const stranger = {
      dismiss: (why: string) => {
        if (dismissed !== undefined) return;
        dismissed = why;
        this.#strangers.delete(stranger);
        conn.close();
      },
    };
    const seconds = HANDSHAKE_TIMEOUT_MS / 1_000;
    const timer = setTimeout(
      () => stranger.dismiss(`it did not show who it is within ${seconds} s`),
      HANDSHAKE_TIMEOUT_MS,
    );
    for (const oldest of this.#strangers) {
      if (this.#strangers.size < MAX_STRANGERS) break;
      oldest.dismiss("it did not show who it is, and there are too many like it");
    }
    this.#strangers.add(stranger);
    try {
      if ("setNoDelay" in conn) conn.setNoDelay(true);
      const purpose = await acceptHandshake(conn, this.#options.credential, this.#purposes);
      if (dismissed !== undefined) throw new Error(dismissed);
      this.#strangers.delete(stranger);
      clearTimeout(timer);
      this.#options.handlers[purpose]?.(conn, remote);
    } catch (error) {
      clearTimeout(timer);
      const why = dismissed ?? messageOf(error);
      stranger.dismiss(why);
      if (!this.#closed) this.#say(`${hostname} ${why}`, `refused ${remote}: ${why}`);
    }
  }

  /** Says a line, unless what `key` stands for was said lately: whoever is refused tries again. */
  #say(key: string, line: string): void {
    const nowMs = performance.now();
    if (nowMs - (this.#said.get(key) ?? -Infinity) < REPEAT_MS) return;
    this.#said.delete(key);
    this.#said.set(key, nowMs);
    for (const oldest of this.#said.keys()) {
      if (this.#said.size <= MAX_REMEMBERED) break;
      this.#said.delete(oldest);
    }
    this.#options.logger.warn(line);
  }
}

function listen({ address, tls }: PartServerOptions): Deno.TcpListener | Deno.TlsListener {
  const where = { hostname: address.host, port: address.port, tcpBacklog: BACKLOG };
  try {
    return tls === undefined ? Deno.listen(where) : Deno.listenTls({ ...where, ...tls });
  } catch (cause) {
    const why = cause instanceof Deno.errors.AddrInUse
      ? "something else listens there already"
      : messageOf(cause);
    throw new ListenError(
      `Cannot listen on ${formatAddress(address.host, address.port)}: ${why}`,
      { cause },
    );
  }
}
