/**
 * A will: the unacknowledged data of a process that ended without time to wait. Its node delivers it in its
 * name.
 */

import type { ExitStatus } from "../core/exit_status.ts";
import { isPid, type Pid, shortPid } from "../core/pid.ts";
import { RunKey } from "../net/handshake.ts";
import { ProtocolError } from "../core/protocol_error.ts";
import { decode } from "../codec/value_decoder.ts";
import { encode } from "../codec/value_encoder.ts";
import { Hold } from "./hold.ts";
import { Peer, type PeerContext, type SavedPeer } from "./peer.ts";
import type { SavedChannel } from "./send_line.ts";
import type { SavedEntry } from "./send_line.ts";
import { Unclaimed } from "./unclaimed.ts";

/** The process that ended, and what it leaves to each of its peers. */
export interface Will {
  readonly pid: Pid;
  readonly peers: readonly SavedPeer[];
}

/** The information of a node for delivering a will. */
export interface DeliveryContext {
  /** The run's key. */
  readonly key: Uint8Array<ArrayBuffer>;
  /** The folder with the Unix sockets of the run's processes on this host. @default none */
  readonly sockets?: string | undefined;
  /** How the process ended. */
  readonly status: ExitStatus;
  /** Aborts the delivery. */
  readonly signal: AbortSignal;
  /** Resolves when a process has ended; rejects if there never was such a process. */
  readonly ended: (pid: Pid) => Promise<ExitStatus>;
  /** Logs one line about something that should not happen. @default no log */
  readonly log?: (line: string) => void;
}

export function encodeWill(will: Will): Uint8Array<ArrayBuffer> {
  return encode(will);
}

/** @throws {ProtocolError} If `bytes` are not a will. */
export function decodeWill(bytes: Uint8Array<ArrayBuffer>): Will {
  const will = decode(bytes);
  if (!isWill(will)) throw new ProtocolError("it is not a will");
  return will;
}

/**
 * Delivers a will: resolves when all of it is acknowledged, however slow its receivers are, or when they
 * have ended.
 *
 * @throws {ProtocolError} If `bytes` are not a will.
 * @throws {Error} If a receiver that may be there has not got all of it, since the delivery was aborted, or
 * it refused it.
 */
export async function deliverWill(
  bytes: Uint8Array<ArrayBuffer>,
  context: DeliveryContext,
): Promise<void> {
  const { pid, peers } = decodeWill(bytes);
  const { key, sockets, status, signal, ended, log = () => {} } = context;
  // A delivery does not keep the node alive.
  const hold = new Hold({ ref: () => {}, unref: () => {} });
  const owner: PeerContext = {
    pid,
    key: new RunKey(key),
    sockets,
    hold,
    unclaimed: new Unclaimed(),
    ended,
    posthumous: true,
    forget: () => {},
    noticed: () => {},
    log,
  };
  const deliveries = peers.map((saved) => new Peer(owner, saved.remote, saved));
  const abandon = () => {
    for (const peer of deliveries) peer.abandon();
  };
  if (signal.aborted) abandon();
  else signal.addEventListener("abort", abandon);
  try {
    const code = "code" in status ? status.code : undefined;
    await Promise.all(deliveries.map((peer) => peer.leave(code)));
  } finally {
    signal.removeEventListener("abort", abandon);
  }
  const cut = deliveries.filter(({ undelivered }) => undelivered !== undefined);
  if (cut.length === 0) return;
  throw new Error(
    cut.map(({ remote, undelivered }) => `${shortPid(remote)} has not got all: ${undelivered}`)
      .join("; "),
  );
}

function isWill(value: unknown): value is Will {
  if (typeof value !== "object" || value === null) return false;
  const { pid, peers } = value as Partial<Will>;
  return isPid(pid) && Array.isArray(peers) && peers.every(isSavedPeer);
}

function isSavedPeer(value: unknown): value is SavedPeer {
  if (typeof value !== "object" || value === null) return false;
  const { remote, acked, frames, received, channels } = value as Partial<SavedPeer>;
  return isPid(remote) && isCount(acked) && isCount(received) && frames instanceof Uint8Array &&
    typeof channels === "object" && channels !== null && isCount(channels.opened) &&
    (isCount(channels.current) || channels.current === -1) && Array.isArray(channels.waiting) &&
    channels.waiting.every(isSavedChannel);
}

function isSavedChannel(value: unknown): value is SavedChannel {
  if (typeof value !== "object" || value === null) return false;
  const { number, inFlight, accepted, entries } = value as Partial<SavedChannel>;
  return isCount(number) && isCount(inFlight) && typeof accepted === "boolean" &&
    Array.isArray(entries) && entries.every(isSavedEntry);
}

function isSavedEntry(value: unknown): value is SavedEntry {
  if (typeof value !== "object" || value === null) return false;
  const { rest, begun } = value as Partial<SavedEntry>;
  return (rest === null || rest instanceof Uint8Array) && typeof begun === "boolean";
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
