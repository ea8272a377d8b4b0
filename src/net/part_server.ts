/** The listener of a part of a cluster: accepts only authenticated connections. */

import type { Address } from "../core/address.ts";
import { messageOf } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import type { Metric } from "../core/metrics.ts";
import { formatAddress } from "../core/pid.ts";
import { Admission } from "./admission.ts";
import { authenticated } from "./authenticated.ts";
import type { Credential } from "./credential.ts";
import { type Accepted, acceptHandshake, WrongSecretError } from "./handshake.ts";
import { Protection, Purpose } from "./protocol.ts";
import type { Transport } from "./transport.ts";

/** How many unauthenticated connections there may be: a peer on a long way needs a place for a second. */
const MAX_UNAUTHENTICATED = 4_096;

/**
 * How long a connection may be unauthenticated: as long as the most patient dialer waits. What bounds the cost is
 * the number of places.
 */
const ADMISSION_MS = 30_000;

/** How many connections the kernel keeps until they are accepted. */
const BACKLOG = 2_000;

/**
 * Takes a connection, and owns it from then on. `remote` is the address of the other end, and `invited` the
 * name in the invitation that it has proven, if it has one.
 */
export type PartHandler = (conn: Transport, remote: string, invited: string | undefined) => void;

export interface PartServerOptions {
  /** Where to listen; port 0 means any free one. */
  readonly address: Address;
  readonly credential: Credential;
  /** The handlers, by purpose; other purposes are refused. */
  readonly handlers: Readonly<Partial<Record<Purpose, PartHandler>>>;
  /** Logs refused connections. */
  readonly logger: Logger;
  /** How many unauthenticated connections there may be. @default 4096 */
  readonly places?: number;
}

/** How many connections a part has refused. */
export interface RefusedConnections {
  /** Those with another secret, or an invitation that was taken back. */
  readonly secret: number;
  /** Those with another protocol or version, that were too slow or too many, or asked for what they may not have. */
  readonly other: number;
}

/** As a metric of a part, `node` or `bridge`, at that address. */
export function refusedMetric(refused: RefusedConnections, part: string, address: string): Metric {
  return {
    ...{ name: "deploy_refused_connections_total", type: "counter" },
    help: "Connections that the part has refused: for another secret, or another reason.",
    samples: Object.entries(refused).map(([why, value]) => ({
      labels: { part, address, why },
      value,
    })),
  };
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
 * have the same secret. A connection that has not done so within 30 s is closed.
 */
export class PartServer implements AsyncDisposable {
  /** Its address, with the actual port. */
  readonly address: Address;
  /** The IP address that it listens at. */
  readonly ip: string;
  readonly #admission: Admission<Deno.Conn, Authenticated>;
  #wrongSecrets = 0;

  /** @throws {ListenError} If listening fails. */
  constructor(options: PartServerOptions) {
    const { credential, handlers, logger } = options;
    const purposes = Object.values(Purpose).filter((each) => handlers[each] !== undefined);
    const { host, port } = options.address;
    const listener = listen(options);
    this.address = { host, port: port === 0 ? listener.addr.port : port };
    this.ip = listener.addr.hostname;
    this.#admission = new Admission<Deno.Conn, Authenticated>({
      listener,
      max: options.places ?? MAX_UNAUTHENTICATED,
      timeoutMs: ADMISSION_MS,
      authenticate: async (conn, begun) => {
        try {
          return await authenticate(conn, credential, purposes, begun);
        } catch (error) {
          if (error instanceof WrongSecretError) this.#wrongSecrets++;
          throw error;
        }
      },
      take: (_conn, { purpose, invited, transport }, { address }) =>
        handlers[purpose]?.(transport, address, invited),
      log: ({ host, line }) => logger.about(host, line),
    });
  }

  /** How many connections it has refused so far, and why. */
  get refused(): RefusedConnections {
    const secret = this.#wrongSecrets;
    return { secret, other: Math.max(0, this.#admission.refusals - secret) };
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

/** A connection that may be used, for what, and by whom. */
interface Authenticated extends Pick<Accepted, "purpose" | "invited"> {
  readonly transport: Transport;
}

async function authenticate(
  conn: Deno.Conn,
  credential: Credential,
  purposes: readonly Purpose[],
  begun: () => void,
): Promise<Authenticated> {
  const { encryption } = credential;
  const transport = encryption?.accepted(conn) ?? conn;
  const accepted = await acceptHandshake(transport, credential, purposes, begun);
  const { purpose, invited } = accepted;
  if (credential.protection !== Protection.plain) return { purpose, invited, transport };
  return { purpose, invited, transport: await authenticated(transport, accepted) };
}

function listen({ address, credential }: PartServerOptions): Deno.TcpListener | Deno.TlsListener {
  const { encryption } = credential;
  const where = { hostname: address.host, port: address.port, tcpBacklog: BACKLOG };
  try {
    return encryption?.listen(where) ?? Deno.listen(where);
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
