/**
 * One attempt to connect to another process; and what follows when a process cannot be connected to: the hosts may
 * be separated by a firewall that lets only the ports of the nodes through, or this process may open no more files.
 */

import { readReply, type Reply, writeGreeting } from "./greeting.ts";
import { messageOf, ProtocolError } from "../core/errors.ts";
import { NO_PORT, parsePid, type Pid } from "../core/pid.ts";
import type { TimedGate } from "../core/timed_gate.ts";
import type { ChannelProtection } from "../net/channel_protection.ts";
import { startTimer } from "../net/delay.ts";
import type { Patience } from "../net/liveness.ts";
import { passOf, Purpose } from "../net/protocol.ts";
import { closeQuietly, connect, outgoingSocket, type Transport } from "../net/transport.ts";

/** The identity of the dialer, and where its stream resumes. */
export interface DialOptions {
  readonly from: Pid;
  readonly key: Uint8Array<ArrayBuffer>;
  /** What protects connections to other hosts; `undefined` if there are none. */
  readonly protection: ChannelProtection | undefined;
  /** The folder with the Unix sockets of the run's processes on this host; `undefined` if there is none. */
  readonly sockets: string | undefined;
  /** The offset up to which the stream of the other process has been received. */
  readonly offset: number;
  readonly posthumous: boolean;
  /** Where each attempt waits for its turn. @default none waits */
  readonly gate?: TimedGate | undefined;
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
  const { conn, protection } = await reach(remote, options, attempt);
  let stream = conn;
  const close = () => closeQuietly(stream);
  if (signal.aborted) close();
  else signal.addEventListener("abort", close);
  try {
    signal.throwIfAborted();
    conn.unref();
    const pass = protection === undefined ? passOf(key, Purpose.channels) : undefined;
    if (protection !== undefined) {
      stream = await protection.dialed(conn, parsePid(remote)!.host, signal);
    }
    signal.throwIfAborted();
    await writeGreeting(stream, { from, to: parsePid(remote)!.id, offset, posthumous }, pass);
    greeted?.();
    const reply = await readReply(stream);
    signal.throwIfAborted();
    return { conn: stream, reply };
  } catch (error) {
    close();
    throw error;
  } finally {
    signal.removeEventListener("abort", close);
  }
}

/** The last connection that was made by the only name that this process may use. */
let outgoing: Promise<unknown> = Promise.resolve();

/** Connects to the socket of the process `id`, also if this process, `own`, may not use its name. */
async function connectNear(sockets: string, id: string, own: string): Promise<Transport> {
  const path = `${sockets}/${id}`;
  try {
    return await connect({ path });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
  }
  const name = outgoingSocket(`${sockets}/${own}`);
  const connected = outgoing.then(async () => {
    await Deno.link(path, name);
    try {
      return await connect({ path: name });
    } finally {
      await Deno.remove(name);
    }
  });
  outgoing = connected.catch(() => {}); // whoever waits for it gets the error
  return await connected;
}

/** Connects by the Unix socket of a process on this host, by TCP, which needs protection, to one on another. */
async function reach(
  remote: Pid,
  { from, sockets, protection }: DialOptions,
  attempt: AbortController,
): Promise<{ conn: Transport; protection?: ChannelProtection }> {
  const { id, host, port } = parsePid(remote)!;
  if (sockets !== undefined && host === parsePid(from)!.host) {
    try {
      return { conn: await connectNear(sockets, id, parsePid(from)!.id) };
    } catch (error) {
      // A process of another node of this host has its socket elsewhere, and always a port.
      if (port === NO_PORT || !(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  if (port === NO_PORT || protection === undefined) {
    throw new Deno.errors.NotFound("it has no port, and is not a process of this host");
  }
  const timer = startTimer(CONNECT_TIMEOUT_MS, () => attempt.abort());
  try {
    return { conn: await connect({ hostname: host, port }, attempt.signal), protection };
  } finally {
    timer.onabort = null;
  }
}

/** The default: within 5 s it is said, also where an attempt that nobody answers takes 4 s. */
export const PATIENCE: Patience = { sayMs: 3_000, giveUpMs: 30_000 };

/**
 * Why an attempt that failed with `error` found nobody: `connection refused`, `no answer`, or the system's
 * words; `undefined` if something answered.
 */
export function obstacleOf(error: unknown): string | undefined {
  const { ConnectionRefused, ConnectionReset, UnexpectedEof, BrokenPipe } = Deno.errors;
  if (error instanceof ProtocolError) return undefined;
  if ([ConnectionReset, UnexpectedEof, BrokenPipe].some((kind) => error instanceof kind)) {
    return undefined;
  }
  if (error instanceof ConnectionRefused) return "connection refused";
  const isTimeout = error instanceof DOMException && error.name === "AbortError" ||
    error instanceof Deno.errors.TimedOut;
  return isTimeout ? "no answer" : messageOf(error);
}

/**
 * What to do when all attempts for the last `forMs` have failed: nothing yet, say so, or give the process up.
 * The last two only if it still runs: the port of a process that has ended is closed, too, and how it ended
 * is known when its node has shown its output, which may take long.
 */
export function afterObstacle(
  forMs: number,
  { sayMs, giveUpMs }: Patience,
): "retry" | "say" | "give up" {
  if (forMs >= giveUpMs) return "give up";
  return forMs >= sayMs ? "say" : "retry";
}
