/**
 * TLS between hosts, by the certificates that are made from what both sides hold (certificates.ts).
 *
 * Deno cannot turn off Nagle's algorithm for connections that `Deno.listenTls` accepts. So a small write of
 * that side waits until the one before is acknowledged, and the system acknowledges late: after 40 ms, or
 * together with the next write. That is why the side that connected waits before its first write that is to be
 * answered, and, once messages flow, answers at once with a few bytes.
 */

import { ProtocolError } from "../core/errors.ts";
import { delay, lookAtSockets } from "./delay.ts";
import { WrongSecretError } from "./handshake.ts";
import { type Transport, TransportOver, writeAll } from "./transport.ts";

/**
 * The name in every certificate, which connections ask for. Deno also trusts the authorities that the machine
 * does: none of those that vouch for names of the internet may do so for this one (RFC 2606).
 */
export const CERTIFIED_NAME = "part.deploy.invalid";

/** Certificates in PEM. */
export interface Certificates {
  /** The authority's, which whoever connects requires. It reveals nothing about the secret. */
  readonly authority: string;
  /** The certificate of whoever accepts connections, and its private key. */
  readonly own: { readonly cert: string; readonly key: string };
}

/**
 * The acceptor's first write, its session tickets, is on its way for about a round trip after the handshake:
 * this much more, and it has arrived.
 */
const TICKETS_MS = 2;

/** What acknowledging them late would cost: no reason to wait for longer. */
const MOST_TICKETS_MS = 40;

/** What listens there does not speak TLS. */
export class NotEncryptedError extends ProtocolError {}

/** How a connection is dialled. */
export interface DialTiming {
  /** How long the other side takes to answer, roughly. */
  readonly roundTripMs: number;
  /** Called with the connection before the handshake, which closing it ends. */
  readonly opened: (conn: Pick<Transport, "close">) => void;
  /** Written right after the handshake; the other side answers only to what follows it. @default nothing */
  readonly first?: Uint8Array;
}

/**
 * Resolves when this process has random numbers for TLS.
 *
 * The library that Deno uses for TLS collects them from the timing of the CPU when a process first needs some.
 * As of Deno 2.9 that takes 35 ms of CPU time, in a dialer as in an acceptor, during which nothing else happens in
 * the process. To make a key of P-256 takes the same random numbers, but on another thread. Later calls take a
 * millisecond.
 */
export async function gatherRandomness(): Promise<void> {
  await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
}

/** Encrypts connections by one authority. */
export class Encryption {
  readonly #certificates: Pick<Certificates, "authority"> & Partial<Certificates>;

  /** Without a certificate of its own, it only dials. */
  constructor(certificates: Pick<Certificates, "authority"> & Partial<Certificates>) {
    this.#certificates = certificates;
  }

  /**
   * Encrypts a connection that this side has dialled. `conn` is used up, also if that fails.
   *
   * @throws {NotEncryptedError} If the other side does not encrypt, or is another program.
   * @throws {ProtocolError} If it has a certificate of another authority.
   */
  async dial(conn: Deno.TcpConn, { roundTripMs, opened, first }: DialTiming): Promise<Transport> {
    const caCerts = [this.#certificates.authority];
    const encrypted = await Deno.startTls(conn, { hostname: CERTIFIED_NAME, caCerts });
    opened(encrypted);
    try {
      await encrypted.handshake();
    } catch (cause) {
      throw dialerError(cause);
    }
    if (first !== undefined) await writeAll(encrypted, first);
    await delay(Math.min(roundTripMs + TICKETS_MS, MOST_TICKETS_MS));
    return new EncryptedTransport(encrypted, true);
  }

  /** Listens. Each connection is to be used only as {@linkcode Encryption.accepted} returns it. */
  listen(where: { hostname: string; port: number; tcpBacklog?: number }): Deno.TlsListener {
    const { own } = this.#certificates;
    if (own === undefined) throw new TypeError("Cannot listen without a certificate");
    return Deno.listenTls({ ...where, ...own });
  }

  /**
   * A connection that was accepted. Its first read or write includes the handshake, and fails with a
   * ProtocolError if the other side does not have the secret, or does not encrypt.
   */
  accepted(conn: Deno.Conn): Transport {
    return new EncryptedTransport(conn, false);
  }
}

/**
 * Reads and writes of TLS take no turn of the event loop as long as neither side has to wait, and a large
 * message would keep heartbeats from leaving for seconds. After so many bytes, and so much time, there is one.
 */
const TURN_BYTES = 1024 * 1024;
/** A turn takes about a third of a millisecond. */
const TURN_MS = 20;

class EncryptedTransport extends TransportOver {
  readonly answersAtOnce: boolean;
  /** Whether the handshake is over. */
  #begun = false;
  /** How much was read and written since the clock was looked at. */
  #bytes = 0;
  /** When the last turn was. */
  #turnedMs = 0;

  constructor(conn: Deno.Conn, answersAtOnce: boolean) {
    super(conn);
    this.answersAtOnce = answersAtOnce;
  }

  /** An end without the words of TLS for it is an end: a process that is killed says none. */
  async read(buffer: Uint8Array): Promise<number | null> {
    try {
      const count = await this.conn.read(buffer);
      this.#begun = true;
      if (this.#isLong(count ?? 0)) await this.#turn();
      return count;
    } catch (error) {
      if (error instanceof Deno.errors.UnexpectedEof) return null;
      throw this.#begun ? error : acceptError(error);
    }
  }

  async write(bytes: Uint8Array): Promise<number> {
    const count = await this.conn.write(bytes);
    if (this.#isLong(count)) await this.#turn();
    return count;
  }

  /** Counts bytes; whether it is time for a turn. */
  #isLong(bytes: number): boolean {
    this.#bytes += bytes;
    if (this.#bytes < TURN_BYTES) return false;
    this.#bytes = 0;
    return performance.now() - this.#turnedMs >= TURN_MS;
  }

  async #turn(): Promise<void> {
    await lookAtSockets();
    this.#turnedMs = performance.now();
  }
}

/** Why a read failed: of one that was accepted, the first one includes the handshake. */
function acceptError(cause: unknown): unknown {
  if (!(cause instanceof Deno.errors.InvalidData)) return cause;
  if (/fatal alert/.test(cause.message)) {
    return new WrongSecretError("it has a different secret", { cause });
  }
  return new ProtocolError(
    "it does not encrypt, which this side requires: it is another program, has no secret, or has --plain",
    { cause },
  );
}

/** Why a TLS handshake failed, on the side that connected. */
function dialerError(cause: unknown): unknown {
  if (!(cause instanceof Deno.errors.InvalidData)) return cause;
  const { message } = cause;
  if (/BadSignature/.test(message)) {
    return new ProtocolError("the other side has a different secret", { cause });
  }
  if (/invalid peer certificate/.test(message)) {
    return new ProtocolError("another program listens there, with TLS", { cause });
  }
  return new NotEncryptedError("it does not encrypt", { cause });
}
