/** One attempt to connect to another process. */

import { parsePid, type Pid } from "../core/pid.ts";
import { dialHandshake, Purpose } from "../net/handshake.ts";
import { startTimer } from "../net/delay.ts";
import { readReply, type Reply, writeGreeting } from "./greeting.ts";

/** The identity of the dialer, and where its stream resumes. */
export interface DialOptions {
  readonly from: Pid;
  readonly key: Promise<CryptoKey>;
  /** The offset up to which the stream of the other process has been received. */
  readonly offset: number;
  readonly posthumous: boolean;
}

/** The result of an attempt: a connection, owned by the caller, and the answer. */
export interface Dialed {
  readonly conn: Deno.TcpConn;
  readonly reply: Reply;
}

/**
 * How long a host may take to accept the connection. The answer has no time limit: a computing process
 * answers late, and more attempts would only queue up.
 */
const CONNECT_TIMEOUT_MS = 4_000;

/**
 * Connects to a process, authenticates, and greets it, unless `attempt` is aborted.
 *
 * @throws {Error} If the process is not there, another one is, or the attempt was aborted.
 */
export async function dial(
  remote: Pid,
  options: DialOptions,
  attempt: AbortController,
): Promise<Dialed> {
  const { host, port, id } = parsePid(remote)!;
  const { signal } = attempt;
  const timer = startTimer(CONNECT_TIMEOUT_MS, () => attempt.abort());
  let conn: Deno.TcpConn;
  try {
    conn = await Deno.connect({ hostname: host, port, signal });
  } finally {
    timer.onabort = null;
  }
  // Handshake and greeting are two small writes in a row. With Nagle's algorithm the second one waits
  // 40 ms for the delayed acknowledgement of the first.
  conn.setNoDelay(true);
  const close = () => conn.close();
  if (signal.aborted) close();
  else signal.addEventListener("abort", close);
  try {
    signal.throwIfAborted();
    conn.unref();
    await dialHandshake(conn, { key: await options.key }, Purpose.channels);
    await writeGreeting(conn, {
      from: options.from,
      to: id,
      offset: options.offset,
      posthumous: options.posthumous,
    });
    const reply = await readReply(conn);
    signal.throwIfAborted();
    return { conn, reply };
  } catch (error) {
    if (!signal.aborted) conn.close();
    throw error;
  } finally {
    signal.removeEventListener("abort", close);
  }
}
