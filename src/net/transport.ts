/** What carries the bytes between processes: a Unix socket within a host, TCP between hosts. */

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
}

/** Where a process or a node listens: the path of a Unix socket, or a TCP port. */
export type Endpoint =
  | { readonly path: string }
  | { readonly hostname: string; readonly port: number };

/** The longest path of a Unix socket on every system: macOS allows 103 bytes, Linux 107. */
export const MAX_SOCKET_PATH_BYTES = 103;

/**
 * Connects. Aborting `signal` ends an attempt over TCP; one on a Unix socket never waits.
 *
 * @throws {Deno.errors.NotFound} If there is no such socket.
 * @throws {Deno.errors.ConnectionRefused} If nothing listens there any more.
 */
export async function connect(to: Endpoint, signal?: AbortSignal): Promise<Transport> {
  if ("path" in to) return await Deno.connect({ transport: "unix", path: to.path });
  const conn = await Deno.connect(signal === undefined ? to : { ...to, signal });
  // Before its first byte: two small writes in a row would take 40 ms with Nagle's algorithm, which waits
  // for the delayed acknowledgement of the first.
  conn.setNoDelay(true);
  return conn;
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
