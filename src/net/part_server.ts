/** The listener of a part of a cluster: accepts only authenticated connections. */

import type { Address } from "../core/address.ts";
import { messageOf } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { formatAddress } from "../core/pid.ts";
import { Admission } from "./admission.ts";
import { acceptHandshake, type Credential, HANDSHAKE_TIMEOUT_MS, Purpose } from "./handshake.ts";

/** How many unauthenticated connections there may be. */
const MAX_UNAUTHENTICATED = 256;

/** How many connections the kernel keeps until they are accepted. */
const BACKLOG = 2_000;

/** Takes a connection, and owns it from then on; `remote` is the address of the other end. */
export type PartHandler = (conn: Deno.Conn, remote: string) => void;

export interface PartServerOptions {
  /** Where to listen; port 0 means any free one. */
  readonly address: Address;
  readonly credential: Credential;
  /** The handlers, by purpose; other purposes are refused. */
  readonly handlers: Readonly<Partial<Record<Purpose, PartHandler>>>;
  /** Logs refused connections. */
  readonly logger: Logger;
  /** Encrypts: a certificate and its key, in PEM. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
}

/** Listening failed. The message is one line. */
export class ListenError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ListenError";
  }
}

/**
 * Listens, and passes each connection to the handler of its purpose once both sides have proven that they
 * have the same secret. A connection that has not done so within 5 s is closed.
 */
export class PartServer implements AsyncDisposable {
  /** Its address, with the actual port. */
  readonly address: Address;
  readonly #admission: Admission<Deno.Conn, Purpose>;

  /** @throws {ListenError} If listening fails. */
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

  /**
   * Stops accepting, and closes unauthenticated connections. Others stay open. Resolves when no handshake is
   * under way.
   */
  close(): Promise<void> {
    return this.#admission.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
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
