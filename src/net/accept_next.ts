/** Accepts the next connection that is still there. */

import { lookAtSockets } from "./delay.ts";
import { closeQuietly } from "./transport.ts";

/** After so many in a row that are gone, everything else in this process has its turn. */
const GONE_AT_A_TIME = 64;

/**
 * The next connection of a listener, which sends what is written at once.
 *
 * One that was reset before it is accepted is passed over: anybody who reaches the port can make as many of them as they
 * like, so it costs nobody time, and is no failure of the listener.
 *
 * @throws If no connection can be accepted: the listener is closed, or the system lacks something.
 */
export async function acceptNext<Conn extends Deno.Conn>(
  listener: { accept(): Promise<Conn> },
): Promise<Conn> {
  for (let gone = 1;; gone++) {
    const conn = await acceptOne(listener);
    if (conn !== undefined) return conn;
    if (gone % GONE_AT_A_TIME === 0) await lookAtSockets();
  }
}

/** `undefined` for one that is gone. */
async function acceptOne<Conn extends Deno.Conn>(
  listener: { accept(): Promise<Conn> },
): Promise<Conn | undefined> {
  let conn: Conn | undefined;
  try {
    conn = await listener.accept();
    // Before its first byte: an answer of two small writes would take 40 ms otherwise.
    if (hasNoDelay(conn)) conn.setNoDelay(true);
    return conn;
  } catch (error) {
    // Some systems give the connection all the same, and refuse to set anything of it.
    if (conn !== undefined) closeQuietly(conn);
    else if (!isGone(error)) throw error;
    return undefined;
  }
}

/** Whether that is said of the connection that was to be accepted, and not of the listener. */
function isGone(error: unknown): boolean {
  const { ConnectionAborted, ConnectionReset, NotConnected } = Deno.errors;
  return [ConnectionAborted, ConnectionReset, NotConnected].some((kind) => error instanceof kind);
}

function hasNoDelay(conn: Deno.Conn): conn is Deno.TcpConn {
  return "setNoDelay" in conn;
}
