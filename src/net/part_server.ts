/** Where a part of a cluster listens for others: it takes only those who show that they belong. */

import type { Address } from "../core/address.ts";
import { messageOf } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { formatAddress } from "../core/pid.ts";
import { Admission } from "./admission.ts";
import { acceptHandshake, type Credential, HANDSHAKE_TIMEOUT_MS, Purpose } from "./handshake.ts";

/** How many connections may be about to show who they are. */
const MAX_UNAUTHENTICATED = 256;

/** How many connections the kernel keeps until they are accepted. */
const BACKLOG = 2_000;

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
 * have the same secret. A connection that has not done so in 5 s is closed; nothing is kept of what it said.
 */
export class PartServer implements Disposable {
  /** Where it listens, with the port that it got. */
  readonly address: Address;
  readonly #admission: Disposable;

  /** @throws {ListenError} If it is not possible to listen there. */
  constructor(options: PartServerOptions) {
    const { credential, handlers, logger } = options;
    const purposes = Object.values(Purpose).filter((each) => handlers[each] !== undefined);
    const { host, port } = options.address;
    const listener = listen(options);
    this.address = { host, port: port === 0 ? listener.addr.port : port };
    this.#admission = new Admission<Deno.Conn, Purpose>({
      listener,
      max: MAX_UNAUTHENTICATED,
      timeoutMs: HANDSHAKE_TIMEOUT_MS,
      authenticate: (conn) => acceptHandshake(conn, credential, purposes),
      take: (conn, purpose, remote) => handlers[purpose]?.(conn, remote),
      log: (line) => logger.warn(line),
    });
  }

  /** Accepts no more, and closes what has not shown who it is. Connections handed out stay open. */
  close(): void {
    this.#admission[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function listen({ address, tls }: PartServerOptions): Deno.TcpListener | Deno.TlsListener {
  const where = { hostname: address.host, port: address.port, tcpBacklog: BACKLOG };
  try {
    return tls === undefined ? Deno.listen(where) : Deno.listenTls({ ...where, ...tls });
  } catch (cause) {
    const why = cause instanceof Deno.errors.AddrInUse
      ? "the address is already in use"
      : messageOf(cause);
    throw new ListenError(
      `Cannot listen on ${formatAddress(address.host, address.port)}: ${why}`,
      { cause },
    );
  }
}
