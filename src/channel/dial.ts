/** One attempt to connect to another process. */

import { NO_PORT, parsePid, type Pid } from "../core/pid.ts";
import { dialHandshake, passOf, Purpose, type RunKey } from "../net/handshake.ts";
import { startTimer } from "../net/delay.ts";
import { connect, type Transport } from "../net/transport.ts";
import { readReply, type Reply, writeGreeting } from "./greeting.ts";

/** The identity of the dialer, and where its stream resumes. */
export interface DialOptions {
  readonly from: Pid;
  readonly key: RunKey;
  /** The folder with the Unix sockets of the run's processes on this host; `undefined` if there is none. */
  readonly sockets: string | undefined;
  /** The offset up to which the stream of the other process has been received. */
  readonly offset: number;
  readonly posthumous: boolean;
  /** Called when the greeting is written, or there is none: nothing more is needed until the answer. */
  readonly greeted?: (() => void) | undefined;
}

/** The result of an attempt: a connection, owned by the caller, and the answer. */
export interface Dialed {
  readonly conn: Transport;
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
  const { from, key, offset, posthumous, greeted } = options;
  const { signal } = attempt;
  const { conn, isLocal } = await reach(remote, options, attempt);
  const close = () => conn.close();
  if (signal.aborted) close();
  else signal.addEventListener("abort", close);
  try {
    signal.throwIfAborted();
    conn.unref();
    let pass: Uint8Array | undefined;
    if (isLocal) pass = passOf(key, Purpose.channels);
    else await dialHandshake(conn, { key: await key.imported }, Purpose.channels);
    await writeGreeting(conn, { from, to: parsePid(remote)!.id, offset, posthumous }, pass);
    greeted?.();
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

/** Connects by the Unix socket of a process on this host, by TCP to one on another. */
async function reach(
  remote: Pid,
  { from, sockets }: DialOptions,
  attempt: AbortController,
): Promise<{ conn: Transport; isLocal: boolean }> {
  const { id, host, port } = parsePid(remote)!;
  if (sockets !== undefined && host === parsePid(from)!.host) {
    try {
      return { conn: await connect({ path: `${sockets}/${id}` }), isLocal: true };
    } catch (error) {
      // A process of another node of this host has its socket elsewhere, and always a port.
      if (port === NO_PORT || !(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  if (port === NO_PORT) {
    throw new Deno.errors.NotFound("it has no port, and is not a process of this host");
  }
  const timer = startTimer(CONNECT_TIMEOUT_MS, () => attempt.abort());
  try {
    return { conn: await connect({ hostname: host, port }, attempt.signal), isLocal: false };
  } finally {
    timer.onabort = null;
  }
}
