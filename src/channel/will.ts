/**
 * A will: the unacknowledged data of a process that ended without time to wait. Its node delivers it in its
 * name.
 */

import type { EndStatus, ExitStatus } from "../core/exit_status.ts";
import { type Pid, shortPid } from "../core/pid.ts";
import type { StoredBytes } from "../core/stored_bytes.ts";
import { TimedGate } from "../core/timed_gate.ts";
import { ChannelProtection } from "../net/channel_protection.ts";
import type { Patience } from "../net/liveness.ts";
import { Hold } from "./hold.ts";
import { Peer, type PeerContext } from "./peer.ts";
import { Unclaimed } from "./unclaimed.ts";
import { readWill } from "./will_reader.ts";

/** How many connections of wills a node opens at a time, and how long one counts that is not answered. */
const DIALS = new TimedGate(64, 1_000);

/** The information of a node for delivering a will. */
export interface DeliveryContext {
  /** The run's key. */
  readonly key: Uint8Array<ArrayBuffer>;
  /** What protects connections to other hosts; one for all wills of a run. @default nothing does */
  readonly protection?: ChannelProtection;
  /** The folder with the Unix sockets of the run's processes on this host. @default none */
  readonly sockets?: string | undefined;
  /** How the process ended. */
  readonly status: ExitStatus;
  /** Aborts the delivery. */
  readonly signal: AbortSignal;
  /** Resolves when a process has ended; rejects if there never was such a process. */
  readonly ended: (pid: Pid) => Promise<EndStatus>;
  /** Whether the OS process of one still runs; rejects if there is none. @default it is taken to have ended */
  readonly runs?: (pid: Pid) => Promise<boolean>;
  /** How long to try to connect to processes of other hosts. @default PATIENCE */
  readonly patience?: Patience | undefined;
  /** Where attempts to connect wait for their turn. @default one for all wills of this OS process */
  readonly dials?: TimedGate;
  /** Logs one line about something that should not happen. @default no log */
  readonly log?: (line: string) => void;
}

/**
 * Delivers a will: resolves when all of it is acknowledged, however slow its receivers are, or when they
 * have ended. `bytes` are read as the receivers take what is in them.
 *
 * @throws {ProtocolError} If `bytes` are not a will.
 * @throws {Error} If a receiver that may be there has not got all of it, since the delivery was aborted, or
 * it refused it.
 */
export async function deliverWill(
  bytes: StoredBytes,
  context: DeliveryContext,
): Promise<void> {
  const { pid, peers } = readWill(bytes);
  const { sockets, status, signal, ended, runs, patience } = context;
  const { dials = DIALS, log = () => {} } = context;
  const key = context.key;
  // A delivery does not keep the node alive.
  const hold = new Hold({ ref: () => {}, unref: () => {} });
  const owner: PeerContext = {
    pid,
    key,
    protection: context.protection ?? new ChannelProtection({ key }),
    sockets,
    hold,
    unclaimed: new Unclaimed(),
    ended,
    posthumous: true,
    gate: dials,
    ...(runs === undefined ? {} : { unreached: runs }),
    ...(patience === undefined ? {} : { patience }),
    forget: () => {},
    loosen: () => {},
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
