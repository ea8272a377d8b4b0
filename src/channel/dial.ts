/** One attempt to connect to another process. */

import { parsePid, type Pid } from "../core/pid.ts";
import { dialHandshake, Purpose } from "../net/handshake.ts";
import { startTimer } from "../net/delay.ts";
import { readReply, type Reply, writeGreeting } from "./greeting.ts";

/** Who connects, and where its stream goes on. */
export interface DialOptions {
  readonly from: Pid;
  readonly key: Promise<CryptoKey>;
  /** Up to where the stream of the other process has been received. */
  readonly offset: number;
  readonly posthumous: boolean;
}

/** What came of an attempt: a connection that is the caller's to close, and what was answered. */
export interface Dialed {
  readonly conn: Deno.TcpConn;
  readonly reply: Reply;
}

/**
 * How long a host may take to answer that it is there. What comes then has no limit: a process that
 * computes answers late, and more attempts would only pile up in front of it.
 */
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Connects to a process, shows that it may, and greets it. When `attempt` is aborted, so is that.
 *
 * @throws {Error} If nobody is there, or somebody else, or the attempt was aborted.
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
