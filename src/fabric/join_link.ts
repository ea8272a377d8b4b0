/** Announces a node to a running master while the node runs. */

import type { Address } from "../core/address.ts";
import type { Logger } from "../core/logger.ts";
import { formatAddress } from "../core/pid.ts";
import type { Resources } from "../core/resources.ts";
import { type Clock, pause, SYSTEM_CLOCK } from "../net/clock.ts";
import { ConnectError, dialPart } from "../net/connect.ts";
import type { Credential } from "../net/credential.ts";
import { Purpose } from "../net/protocol.ts";
import type { LivenessOptions } from "../net/liveness.ts";
import { MessageLink } from "../net/message_link.ts";
import { type JoinToMaster, MASTER_TO_JOIN, type MasterToJoin } from "../wire/node_messages.ts";
import type { Transport } from "../net/transport.ts";

/** The interval between attempts to reach the master. */
const RETRY_MS = 1_000;

/** How often a master that is still unreachable is reported. */
const STILL_MISSING_MS = 60_000;

export interface JoinOptions {
  readonly master: Address;
  /** Where the node listens. */
  readonly node: Address;
  readonly resources: Readonly<Resources>;
  readonly credential: Credential;
  /** @default LOCAL_NETWORK */
  readonly liveness?: LivenessOptions;
  /** @default SYSTEM_CLOCK */
  readonly clock?: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/**
 * Announces the node, and again each time the connection ends. Resolves when `signal` is aborted.
 *
 * @throws {ConnectError} If the master refuses the node.
 */
export async function announce(options: JoinOptions): Promise<void> {
  const { logger, signal, clock = SYSTEM_CLOCK } = options;
  let said = { why: "", atMs: -Infinity };
  while (!signal.aborted) {
    const why = await announceOnce(options);
    if (signal.aborted) return;
    const atMs = clock.now();
    if (why !== said.why || atMs - said.atMs >= STILL_MISSING_MS) {
      logger.warn(why);
      said = { why, atMs };
    }
    await pause(RETRY_MS, signal, clock);
  }
}

/** Announces the node, and stays connected; returns the reason for the connection's end. */
async function announceOnce(options: JoinOptions): Promise<string> {
  const { master, node, resources, credential, liveness, logger, signal } = options;
  const { clock = SYSTEM_CLOCK } = options;
  const what = `the master at ${formatAddress(master.host, master.port)}`;
  let conn: Transport;
  try {
    conn = await dialPart(master, Purpose.join, credential, { signal });
  } catch (error) {
    if (error instanceof ConnectError || signal.aborted) return (error as Error).message;
    throw error;
  }
  const link = new MessageLink<JoinToMaster, MasterToJoin>(conn, {
    schema: MASTER_TO_JOIN,
    liveness,
    clock,
  });
  const leave = (): void => link.drop();
  signal.addEventListener("abort", leave);
  void link.send({ type: "join", address: formatAddress(node.host, node.port), resources });
  try {
    for await (const message of link.messages()) {
      if (message.type === "refused") throw new ConnectError(what, message.why);
      logger.info(`joined ${what}`);
    }
  } finally {
    signal.removeEventListener("abort", leave);
    link.drop();
  }
  return `${what} is gone: ${(await link.ended).message}`;
}
