/** What carries bytes: a Unix socket within a host, TLS or plain TCP between hosts. */

import { startKeptTimer } from "./delay.ts";

/**
 * A connection, as far as the protocols between processes use it.
 *
 * No end of one direction: not every transport has one (TLS does not), so it is a frame of the channel
 * protocol.
 */
export interface Transport {
  /** Reads at least one byte; `null` at the end. */
  read(buffer: Uint8Array): Promise<number | null>;
  /** Writes at least one byte, and returns how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Ends a pending read with an error. */
  close(): void;
  /** Lets a pending read keep the process alive, which is the default. */
  ref(): void;
  /** Lets the process end during a read. */
  unref(): void;
  /**
   * Whether what the other side writes next may wait for 40 ms, unless this side writes something after each
   * of its reads: see encryption.ts.
   */
  readonly answersAtOnce?: boolean;
}

/** The part of a connection that carries bytes. */
export interface ByteStream {
  read(buffer: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
}

/** A transport whose bytes another one carries: closing it, and what it holds, is that one's. */
export abstract class TransportOver implements Transport {
  protected readonly conn: Transport;

  constructor(conn: Transport) {
    this.conn = conn;
  }

  abstract read(buffer: Uint8Array): Promise<number | null>;
  abstract write(bytes: Uint8Array): Promise<number>;

  close(): void {
    this.conn.close();
  }

  ref(): void {
    this.conn.ref();
  }

  unref(): void {
    this.conn.unref();
  }
}

/** Where a process or a node listens: the path of a Unix socket, or a TCP port. */
export type Endpoint =
  | { readonly path: string }
  | { readonly hostname: string; readonly port: number };

/** The longest path of a Unix socket on every system: macOS allows 103 bytes, Linux 107. */
export const MAX_SOCKET_PATH_BYTES = 103;

/** How long an attempt on a Unix socket waits at most for its turn, and the longest pause meanwhile. */
const TURN_MS = 10_000;
const MAX_PAUSE_MS = 64;

/**
 * Connects. Aborting `signal` ends an attempt over TCP, with its reason; one on a Unix socket waits only while more
 * connections have not been accepted there than the system keeps, and for at most 10 s.
 *
 * @throws {Deno.errors.NotFound} If there is no such socket.
 * @throws {Deno.errors.ConnectionRefused} If nothing listens there any more.
 */
export function connect(
  to: { readonly hostname: string; readonly port: number },
  signal?: AbortSignal,
): Promise<Deno.TcpConn>;
export function connect(to: Endpoint, signal?: AbortSignal): Promise<Transport>;
export async function connect(to: Endpoint, signal?: AbortSignal): Promise<Transport> {
  if ("path" in to) return await connectInTurn(to.path, signal);
  const conn = await (signal === undefined ? Deno.connect(to) : connectUnless(signal, to));
  // Before its first byte: two small writes in a row would take 40 ms with Nagle's algorithm, which waits
  // for the delayed acknowledgement of the first.
  conn.setNoDelay(true);
  return conn;
}

/** Linux lets an attempt on a Unix socket fail where one over TCP would wait until others are accepted. */
async function connectInTurn(
  path: string,
  signal: AbortSignal | undefined,
): Promise<Deno.UnixConn> {
  const beganMs = performance.now();
  for (let pauseMs = 1;; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
    try {
      return await Deno.connect({ transport: "unix", path });
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      if (performance.now() - beganMs > TURN_MS) throw error;
    }
    // It keeps the process alive, as an attempt that waits does.
    await new Promise<void>((resolve) => startKeptTimer(pauseMs, resolve));
    signal?.throwIfAborted();
  }
}

/**
 * If a connection is there just when its signal is aborted, Deno 2.9 throws the reason of the signal, and nobody can
 * close the connection. So Deno gets a signal that ends the attempt, and throws nothing.
 */
async function connectUnless(
  signal: AbortSignal,
  to: { readonly hostname: string; readonly port: number },
): Promise<Deno.TcpConn> {
  signal.throwIfAborted();
  const ending = new AbortController();
  Object.defineProperty(ending.signal, "throwIfAborted", { value: () => {} });
  const end = (): void => ending.abort();
  signal.addEventListener("abort", end);
  let conn: Deno.TcpConn;
  try {
    conn = await Deno.connect({ ...to, signal: ending.signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", end);
  }
  if (!signal.aborted) return conn;
  conn.close();
  throw signal.reason;
}

/**
 * The name by which a process whose permissions are limited reaches the sockets of others, by the path of its own
 * socket, whose name is an id: Deno allows no folder of sockets, and their names are not known when the process
 * starts. It is no longer than that path, which may be as long as the system allows.
 */
export function outgoingSocket(own: string): string {
  return `${own.slice(0, -16)}.to`;
}

/** Closes a connection that an error of its own, or somebody else, may have closed already. */
export function closeQuietly(conn: Pick<Transport, "close">): void {
  try {
    conn.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

/** Whether a connection has broken: the other side has closed it, or this process has, while it was used. */
export function isBroken(error: unknown): boolean {
  const { BadResource, BrokenPipe, ConnectionAborted, ConnectionReset, Interrupted, NotConnected } =
    Deno.errors;
  return [BadResource, BrokenPipe, ConnectionAborted, ConnectionReset, Interrupted, NotConnected]
    .some((kind) => error instanceof kind);
}

/** A listener of either kind. */
export type TransportListener = Deno.TcpListener | Deno.UnixListener;

/** Listens; port 0 is any free one. A Unix socket appears in the file system, until it is closed. */
export function listen(at: { readonly path: string }): Deno.UnixListener;
export function listen(at: { readonly hostname: string; readonly port: number }): Deno.TcpListener;
export function listen(at: Endpoint): TransportListener;
export function listen(at: Endpoint): TransportListener {
  return "path" in at ? Deno.listen({ transport: "unix", path: at.path }) : Deno.listen(at);
}

/** The first and the last port. */
export type Ports = readonly [from: number, to: number];

/**
 * Listens at `hostname`: on any free port, or on a free one of `ports`, beginning anywhere among them, so that
 * processes that start at the same time do not all try the same ones.
 *
 * @param open Listens there; port 0 is any free one.
 * @param random A number from 0 to 1, without 1.
 * @throws {Error} If all of them are taken.
 */
export function listenWithin<Listener>(
  { hostname, ports }: { hostname: string; ports?: Ports | undefined },
  open: (at: { hostname: string; port: number }) => Listener,
  random: () => number = Math.random,
): Listener {
  if (ports === undefined) return open({ hostname, port: 0 });
  const [from, to] = ports;
  const count = to - from + 1;
  const first = Math.floor(random() * count);
  for (let tried = 0; tried < count; tried++) {
    try {
      return open({ hostname, port: from + (first + tried) % count });
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error(
    `Cannot listen on ${hostname}: all ports from ${from} to ${to} are taken, and this node lets its ` +
      `processes use no others (fabric --ports)`,
  );
}

/** Reads that many bytes. @throws {Deno.errors.UnexpectedEof} If the stream ends first. */
export async function readExactly(
  stream: ByteStream,
  count: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(count);
  for (let filled = 0; filled < count;) {
    const read = await stream.read(bytes.subarray(filled));
    if (read === null) throw new Deno.errors.UnexpectedEof("the other side closed the connection");
    filled += read;
  }
  return bytes;
}

/** Writes all of `bytes`. */
export async function writeAll(
  stream: Pick<ByteStream, "write">,
  bytes: Uint8Array,
): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await stream.write(bytes.subarray(written));
  }
}
