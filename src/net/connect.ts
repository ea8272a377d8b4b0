/** Connects to another part of a cluster. The other end is a `PartServer`. */

import type { Address } from "../core/address.ts";
import { messageOf } from "../core/errors.ts";
import { formatAddress } from "../core/pid.ts";
import {
  type Credential,
  dialHandshake,
  HANDSHAKE_TIMEOUT_MS,
  Purpose,
  ServiceError,
} from "./handshake.ts";
import { ProtocolError } from "../core/protocol_error.ts";

export { credentialOf, loadCredential, loadSecret, requireSecret } from "./credential.ts";
export { isLoopback, type Secret, SecretError } from "./credential.ts";
export { PartServer, type PartServerOptions } from "./part_server.ts";

/** How long connecting may take; the handshake may take as long again. */
export const CONNECT_TIMEOUT_MS = 5_000;

/** The part at the other end, by the purpose of the connection. */
const PARTS: Readonly<Record<Purpose, string>> = {
  [Purpose.channels]: "process",
  [Purpose.node]: "node",
  [Purpose.join]: "master",
  [Purpose.bridge]: "master",
  [Purpose.deploy]: "bridge",
  [Purpose.run]: "bridge",
  [Purpose.arg]: "node",
  [Purpose.view]: "bridge",
};

/**
 * A connection could not be established. The message is one line: to which part, at which address, and why.
 */
export class ConnectError extends Error {
  /** Only the reason: `the connection was refused`. */
  readonly why: string;

  constructor(what: string, why: string, options?: ErrorOptions) {
    super(`Cannot connect to ${what}: ${why}`, options);
    this.name = "ConnectError";
    this.why = why;
  }
}

/** How to connect. */
export interface DialOptions {
  /** Aborts the attempt. */
  readonly signal?: AbortSignal | undefined;
  /** Encrypts; the certificates, in PEM, of the authorities that may have signed the other side's. */
  readonly tls?: { readonly caCerts: string[] } | undefined;
}

/**
 * Connects to a part of the cluster; both sides prove that they have the same secret.
 *
 * @throws {ConnectError} If that fails.
 * @throws The reason of `signal`, if that is aborted.
 */
export async function dialPart(
  address: Address,
  purpose: Purpose,
  credential: Credential,
  options: DialOptions = {},
): Promise<Deno.Conn> {
  const { signal } = options;
  const what = `the ${PARTS[purpose]} at ${formatAddress(address.host, address.port)}`;
  const conn = await connect(address, what, options);
  let late = false;
  let open = true;
  // Closing ends the pending read of the handshake.
  const close = (): void => {
    if (open) conn.close();
    open = false;
  };
  const timer = setTimeout(() => {
    late = true;
    close();
  }, HANDSHAKE_TIMEOUT_MS);
  signal?.addEventListener("abort", close);
  try {
    await dialHandshake(conn, credential, purpose);
    signal?.throwIfAborted();
    return conn;
  } catch (cause) {
    close();
    signal?.throwIfAborted();
    const why = late
      ? `what listens there did not answer within ${HANDSHAKE_TIMEOUT_MS / 1_000} s`
      : cause instanceof ServiceError
      ? otherPart(cause, purpose)
      : reason(cause);
    throw new ConnectError(what, why, { cause });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", close);
  }
}

async function connect(address: Address, what: string, options: DialOptions): Promise<Deno.Conn> {
  const { signal, tls } = options;
  const timeout = AbortSignal.timeout(CONNECT_TIMEOUT_MS);
  const ends = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  const target = { hostname: address.host, port: address.port };
  try {
    if (tls !== undefined) return await connectTls({ ...target, ...tls }, ends);
    const conn = await Deno.connect({ ...target, signal: ends });
    conn.setNoDelay(true);
    return conn;
  } catch (cause) {
    signal?.throwIfAborted();
    const why = timeout.aborted
      ? `no answer within ${CONNECT_TIMEOUT_MS / 1_000} s`
      : reason(cause);
    throw new ConnectError(what, why, { cause });
  }
}

/** `Deno.connectTls` takes no signal: a connection that comes too late is closed. */
async function connectTls(
  options: Deno.ConnectTlsOptions,
  signal: AbortSignal,
): Promise<Deno.TlsConn> {
  const connecting = Deno.connectTls(options);
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const end = (): void => reject(signal.reason);
  signal.addEventListener("abort", end);
  try {
    const conn = await Promise.race([connecting, ended]);
    await Promise.race([conn.handshake(), ended]);
    return conn;
  } catch (error) {
    void connecting.then((conn) => conn.close()).catch(() => {}); // it has failed, or is closed
    throw error;
  } finally {
    signal.removeEventListener("abort", end);
  }
}

/** `it is a master, not a bridge`, and how to find a bridge. */
function otherPart({ served }: ServiceError, wanted: Purpose): string {
  const is = served === undefined ? "another part of a cluster" : `a ${PARTS[served]}`;
  const hint = wanted === Purpose.deploy || wanted === Purpose.view
    ? "; the address of the bridge is in the line `ready bridge` of the master's fabric"
    : "";
  return `it is ${is}, not a ${PARTS[wanted]}${hint}`;
}

function reason(cause: unknown): string {
  if (cause instanceof ProtocolError) return cause.message;
  if (cause instanceof Deno.errors.ConnectionRefused) return "nothing listens there";
  if (cause instanceof Deno.errors.UnexpectedEof || cause instanceof Deno.errors.ConnectionReset) {
    return "it closed the connection without an answer";
  }
  return messageOf(cause).replaceAll(/\s*\n\s*/g, " | ");
}
