/** One attempt to connect to another process. */

import { parsePid, type Pid } from "../core/pid.ts";
import { dialHandshake, Purpose } from "../wire/handshake.ts";
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
export interface Dialled {
  readonly conn: Deno.TcpConn;
  readonly reply: Reply;
}

/**
 * Connects to a process, shows that it may, and greets it.
 *
 * @throws {Error} If nobody is there, or somebody else.
 */
export async function dial(remote: Pid, options: DialOptions): Promise<Dialled> {
  const { host, port, id } = parsePid(remote)!;
  const conn = await Deno.connect({ hostname: host, port });
  try {
    conn.unref();
    await dialHandshake(conn, { key: await options.key }, Purpose.channels);
    await writeGreeting(conn, {
      from: options.from,
      to: id,
      offset: options.offset,
      posthumous: options.posthumous,
    });
    return { conn, reply: await readReply(conn) };
  } catch (error) {
    conn.close();
    throw error;
  }
}
