/** Connects to another part of a cluster. The other end is a `PartServer`. */

import type { Address } from "../core/address.ts";
import { messageOf, ProtocolError } from "../core/errors.ts";
import { formatAddress } from "../core/pid.ts";
import { authenticated } from "./authenticated.ts";
import type { Credential } from "./credential.ts";
import { NotEncryptedError } from "./encryption.ts";
import { dialHandshake, NO_ANSWER, probe, ServiceError } from "./handshake.ts";
import { HANDSHAKE_TIMEOUT_MS, Protection, Purpose } from "./protocol.ts";
import { connect, type Transport } from "./transport.ts";

export { type Credential, credentialOf, loadCredential, loadSecret } from "./credential.ts";
export { requireSecret, type Secret, SecretError, type SecretSource } from "./credential.ts";
export { PartServer, type PartServerOptions } from "./part_server.ts";

/**
 * How long the handshake of a connection may take that nobody tries again: the other side may be busy. Of 50
 * deployments that start at the same moment on two cores, some have no turn for 5 s.
 */
export const PATIENT_HANDSHAKE_MS = 30_000;

/** How long connecting may take. */
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
  [Purpose.drain]: "master",
  [Purpose.inspect]: "bridge",
  [Purpose.inspector]: "bridge",
};

/**
 * A connection could not be established. The message is one line: to which part, at which address, and why.
 */
export class ConnectError extends Error {
  /** Only to which part: `the bridge at 127.0.0.1:8888`. */
  readonly what: string;
  /** Only the reason: `the connection was refused`. */
  readonly why: string;
  /** Whether nothing came: something may be there that is stopped, or cut off. */
  readonly isSilence: boolean;

  constructor(what: string, why: string, options: ErrorOptions & { isSilence?: boolean } = {}) {
    const { isSilence = false, ...rest } = options;
    super(`Cannot connect to ${what}: ${why}`, rest);
    this.name = "ConnectError";
    this.what = what;
    this.why = why;
    this.isSilence = isSilence;
  }
}

/** How to connect. */
export interface DialOptions {
  /** Aborts the attempt. */
  readonly signal?: AbortSignal | undefined;
  /** How long the handshake may take, in ms. @default 5000 */
  readonly handshakeMs?: number | undefined;
}

/**
 * Connects to a part of the cluster; both sides prove that they have the same secret. With one, the
 * connection is encrypted, unless the credential is plain.
 *
 * @throws {ConnectError} If that fails.
 * @throws The reason of `signal`, if that is aborted.
 */
export async function dialPart(
  address: Address,
  purpose: Purpose,
  credential: Credential,
  options: DialOptions = {},
): Promise<Transport> {
  const { signal, handshakeMs = HANDSHAKE_TIMEOUT_MS } = options;
  const what = `the ${PARTS[purpose]} at ${formatAddress(address.host, address.port)}`;
  const attempt = new Attempt(handshakeMs, signal);
  try {
    return await attempt.dial(address, purpose, credential);
  } catch (cause) {
    attempt.close();
    signal?.throwIfAborted();
    const why = attempt.late ??
      (cause instanceof ServiceError
        ? otherPart(cause, purpose)
        : cause instanceof NotEncryptedError || credential.encryption !== undefined && isEnd(cause)
        ? await whatListens(address, purpose, credential, signal)
        : reason(cause));
    signal?.throwIfAborted();
    throw new ConnectError(what, why, { cause, isSilence: attempt.late !== undefined });
  } finally {
    attempt.over();
  }
}

/** One attempt to connect, which ends in time. */
class Attempt {
  /** What took too long, if something has. */
  late: string | undefined;
  readonly #handshakeMs: number;
  readonly #signal: AbortSignal | undefined;
  #conn: Pick<Transport, "close"> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  // Closing ends the pending read, or the TLS handshake.
  readonly close = (): void => {
    this.#conn?.close();
    this.#conn = undefined;
  };

  constructor(handshakeMs: number, signal: AbortSignal | undefined) {
    this.#handshakeMs = handshakeMs;
    this.#signal = signal;
    signal?.addEventListener("abort", this.close);
  }

  async dial(address: Address, purpose: Purpose, credential: Credential): Promise<Transport> {
    const startMs = performance.now();
    const conn = await this.connect(address);
    const { encryption } = credential;
    if (encryption !== undefined) this.#conn = undefined; // it is used up, also if that fails
    const transport = encryption === undefined ? conn : await encryption.dial(conn, {
      roundTripMs: performance.now() - startMs,
      opened: (encrypted) => {
        this.#conn = encrypted;
        if (this.#signal?.aborted) this.close();
      },
    });
    const session = await dialHandshake(transport, credential, purpose);
    const isPlain = credential.protection === Protection.plain;
    const result = isPlain ? await authenticated(transport, session) : transport;
    // The time was up, or the attempt was aborted, while the last proof was checked: it is closed.
    this.#signal?.throwIfAborted();
    if (this.late !== undefined) throw new Error(this.late);
    return result;
  }

  /** Connects; from now on, the other side has to be quick. */
  async connect({ host, port }: Address): Promise<Deno.TcpConn> {
    const timeout = AbortSignal.timeout(CONNECT_TIMEOUT_MS);
    const signal = this.#signal === undefined ? timeout : AbortSignal.any([this.#signal, timeout]);
    let conn: Deno.TcpConn;
    try {
      conn = await connect({ hostname: host, port }, signal);
    } catch (error) {
      if (timeout.aborted) this.late = `no answer within ${CONNECT_TIMEOUT_MS / 1_000} s`;
      throw error;
    }
    this.#conn = conn;
    this.#timer = setTimeout(() => {
      this.late = `what listens there did not answer within ${this.#handshakeMs / 1_000} s`;
      this.close();
    }, this.#handshakeMs);
    return conn;
  }

  /** Ends the deadline, and does not listen to the signal any more. */
  over(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener("abort", this.close);
  }
}

/** What it is that does not encrypt, on another connection, on which nothing is proven. */
async function whatListens(
  address: Address,
  purpose: Purpose,
  { protection }: Credential,
  signal: AbortSignal | undefined,
): Promise<string> {
  const attempt = new Attempt(HANDSHAKE_TIMEOUT_MS, signal);
  try {
    return await probe(await attempt.connect(address), protection, purpose);
  } catch (cause) {
    return attempt.late ?? reason(cause);
  } finally {
    attempt.close();
    attempt.over();
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
  if (isEnd(cause)) return NO_ANSWER;
  return messageOf(cause).replaceAll(/\s*\n\s*/g, " | ");
}

/** Whether the other side closed the connection, as programs may do whose protocol is another one. */
function isEnd(cause: unknown): boolean {
  const { UnexpectedEof, ConnectionReset, BrokenPipe, NotConnected } = Deno.errors;
  return [UnexpectedEof, ConnectionReset, BrokenPipe, NotConnected].some((kind) =>
    cause instanceof kind
  );
}
