/**
 * How a connection between processes of different hosts is authenticated, and protected from the network.
 *
 * With `Protection.encrypted` it is TLS. A process cannot have a TLS port that is always open: a pending
 * `accept()` of `Deno.listenTls` keeps it alive, whatever `unref()` says. So its port is a plain one, and
 * whoever has authenticated there is told a TLS port that is opened for this connection alone:
 *
 *     dialer                                  acceptor
 *       the handshake                  <-->
 *                                      <--    u16 port, little-endian
 *       TLS                            <-->   at that port
 *       a proof that it is the same    -->
 *                                      <--    ends the first connection
 */

import { lacksFiles, ProtocolError } from "../core/errors.ts";
import { HANDSHAKE_TIMEOUT_MS, Protection, Purpose } from "./protocol.ts";
import { Admission } from "./admission.ts";
import { authenticated } from "./authenticated.ts";
import { certificatesOf, trustOf } from "./certificates.ts";
import { startTimer } from "./delay.ts";
import { type Certificates, Encryption, gatherRandomness } from "./encryption.ts";
import {
  acceptHandshake,
  dialHandshake,
  type HandshakeKey,
  importKey,
  type Session,
  WrongSecretError,
} from "./handshake.ts";
import {
  type ByteStream,
  closeQuietly,
  connect,
  listenWithin,
  type Ports,
  readExactly,
  type Transport,
  writeAll,
} from "./transport.ts";

/** How many may connect to a TLS port at a time: one is expected, and others may come first. */
const MAX_UNAUTHENTICATED = 16;

/** How long the second connection may take, from the port to the dialer's proof. */
const SECOND_MS = 2 * HANDSHAKE_TIMEOUT_MS;

const PORT_BYTES = 2;

/** HMAC-SHA-256. */
const PROOF_BYTES = 32;

/** The settings of a run. */
export interface ChannelProtectionOptions {
  /** The key of the run: 32 bytes. */
  readonly key: Uint8Array<ArrayBuffer>;
  /** @default `open` */
  readonly protection?: Protection | undefined;
  /** The ports that this process may listen on. @default any */
  readonly ports?: Ports | undefined;
}

/** A connection that was accepted and authenticated. */
export interface Accepted {
  readonly transport: Transport;
  /**
   * The first connection, if the transport is another one. Whoever takes the transport closes it here; if the
   * connection itself is closed before that, so is the transport.
   */
  readonly replaced?: Pick<Transport, "close">;
}

/** Protects the connections of one process. */
export class ChannelProtection {
  /** How it protects them. */
  readonly kind: Protection;
  readonly #key: Uint8Array<ArrayBuffer>;
  /** The same for handshakes. Cryptography is loaded only when it is first needed. */
  #imported: Promise<CryptoKey> | undefined;
  readonly #ports: Ports | undefined;
  /** Each is made when it is first needed: programs on one host do without, and who only connects without the second. */
  #dialing: Promise<Encryption> | undefined;
  #accepting: Promise<Encryption> | undefined;

  constructor({ key, protection = Protection.open, ports }: ChannelProtectionOptions) {
    this.#key = key;
    this.kind = protection;
    this.#ports = ports;
  }

  /**
   * Authenticates a connection to a process at `hostname`, as the side that connected. `conn` belongs to the
   * result; if this fails, it is the caller's. Aborting `signal` ends it.
   *
   * @throws {ProtocolError} If the other side is not of this run.
   * @throws {Error} If a connection fails.
   */
  async dialed(conn: Transport, hostname: string, signal: AbortSignal): Promise<Transport> {
    const own = await this.#own();
    const session = await dialHandshake(conn, own, Purpose.channels);
    if (own.protection === Protection.open) return conn;
    if (own.protection === Protection.plain) return await authenticated(conn, session);
    const port = new DataView((await readExactly(conn, PORT_BYTES)).buffer).getUint16(0, true);
    const second = await this.#dialSecond({ hostname, port }, session, signal);
    void ended(conn).then(() => conn.close());
    return second;
  }

  /**
   * The same as the side that accepted. If `conn` is closed meanwhile, this fails.
   *
   * @param begun As of {@linkcode acceptHandshake}.
   * @param known Called when the other side is of this run, and a second connection is to follow: within so
   * many milliseconds.
   */
  async accepted(
    conn: Deno.TcpConn,
    begun: () => void,
    known: (ms: number) => void,
  ): Promise<Accepted> {
    const own = await this.#own();
    const session = await acceptHandshake(conn, own, [Purpose.channels], begun);
    if (own.protection === Protection.open) return { transport: conn };
    if (own.protection === Protection.plain) {
      return { transport: await authenticated(conn, session) };
    }
    known(SECOND_MS);
    return await this.#acceptSecond(conn, session);
  }

  /** Makes what the first connection that is accepted would take the time to make. What fails fails again when it is needed. */
  async prepare(): Promise<void> {
    try {
      if (this.kind !== Protection.open) await this.#own();
      if (this.kind === Protection.encrypted) await this.#certified();
    } catch {
      // said by the connection that needs it
    }
  }

  async #own(): Promise<HandshakeKey> {
    return { key: await (this.#imported ??= importKey(this.#key)), protection: this.kind };
  }

  async #dialSecond(
    at: { hostname: string; port: number },
    session: Session,
    signal: AbortSignal,
  ): Promise<Transport> {
    const [encryption, first] = await Promise.all([this.#trusting(), proofOf(session)]);
    const attempt = new AbortController();
    const abort = () => attempt.abort();
    signal.addEventListener("abort", abort);
    const timer = startTimer(SECOND_MS, abort);
    let current: Pick<Transport, "close"> | undefined;
    const close = () => current?.close();
    attempt.signal.addEventListener("abort", close);
    try {
      signal.throwIfAborted();
      const startMs = performance.now();
      const conn = await connect(at, attempt.signal);
      const opened = (tls: Pick<Transport, "close">) => {
        current = tls;
        if (attempt.signal.aborted) close();
      };
      const roundTripMs = performance.now() - startMs;
      const transport = await encryption.dial(conn, { roundTripMs, opened, first });
      transport.unref();
      attempt.signal.throwIfAborted();
      return transport;
    } catch (cause) {
      if (!attempt.signal.aborted) close();
      if (cause instanceof ProtocolError || lacksFiles(cause)) throw cause;
      // Not the error of the system: that it refuses this port says nothing about the process.
      throw new Error(`no encrypted connection at port ${at.port}`, { cause });
    } finally {
      timer.onabort = null;
      signal.removeEventListener("abort", abort);
    }
  }

  async #acceptSecond(conn: Deno.TcpConn, session: Session): Promise<Accepted> {
    const encryption = await this.#certified();
    const { hostname } = conn.localAddr as Deno.NetAddr;
    const listener = listenWithin({ hostname, ports: this.#ports }, (at) => encryption.listen(at));
    const arrival = Promise.withResolvers<Transport>();
    let [isOver, isTaken] = [false, false];
    let second: Transport | undefined;
    const admission = new Admission<Deno.TlsConn, Transport>({
      listener,
      max: MAX_UNAUTHENTICATED,
      timeoutMs: HANDSHAKE_TIMEOUT_MS,
      authenticate: async (tls) => {
        tls.unref();
        const transport = encryption.accepted(tls);
        await acceptProof(transport, session);
        return transport;
      },
      take: (_tls, transport) => {
        if (isOver) return transport.close();
        isOver = true;
        second = transport;
        arrival.resolve(transport);
      },
      // It is a stranger, and whoever is awaited says itself why it fails.
      log: () => {},
    });
    try {
      const port = new Uint8Array(PORT_BYTES);
      new DataView(port.buffer).setUint16(0, listener.addr.port, true);
      await writeAll(conn, port);
      // The dialer gives up, or whoever limits how long this may take.
      void ended(conn).then((reason) => {
        isOver = true;
        arrival.reject(reason);
        // Left open, its dialer would wait for ever: for an answer that nobody gives.
        if (second !== undefined && !isTaken) closeQuietly(second);
      });
      const transport = await arrival.promise;
      const close = () => {
        isTaken = true;
        conn.close();
      };
      return { transport, replaced: { close } };
    } finally {
      isOver = true;
      void admission.close();
    }
  }

  /** It trusts the authority, which takes less time to make than a certificate of its own. */
  #trusting(): Promise<Encryption> {
    return this.#accepting ?? (this.#dialing ??= this.#makeEncryption(trustOf));
  }

  #certified(): Promise<Encryption> {
    return this.#accepting ??= this.#makeEncryption(certificatesOf);
  }

  async #makeEncryption(
    make: (secret: Uint8Array<ArrayBuffer>) => Promise<Pick<Certificates, "authority">>,
  ): Promise<Encryption> {
    const gathering = gatherRandomness();
    const encryption = new Encryption(await make(this.#key));
    await gathering;
    return encryption;
  }
}

/**
 * What shows on the second connection that it is made by the dialer of the first one, whose handshake gave `session`.
 * It is valid only there, and said inside TLS, so only to whoever holds the key.
 */
async function proofOf(session: Session): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.sign("HMAC", session.key, proven(session)));
}

/** Reads a proof. @throws {WrongSecretError} If it is none of `session`. */
async function acceptProof(stream: ByteStream, session: Session): Promise<void> {
  const proof = await readExactly(stream, PROOF_BYTES);
  if (await crypto.subtle.verify("HMAC", session.key, proof, proven(session))) return;
  throw new WrongSecretError("it has a different secret");
}

function proven({ nonces }: Session): Uint8Array<ArrayBuffer> {
  return new Uint8Array([...new TextEncoder().encode("again, encrypted"), ...nonces]);
}

/** Resolves with an error when `conn`, on which nothing follows, is over. */
async function ended(conn: Transport): Promise<Error> {
  try {
    const count = await conn.read(new Uint8Array(1));
    return count === null
      ? new Deno.errors.UnexpectedEof("the other side closed the connection")
      : new ProtocolError("data on a connection that is replaced");
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
