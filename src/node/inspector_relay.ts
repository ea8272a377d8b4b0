/** Connects the inspector of a process to the bridge of its run, which connects it to a debugger. */

import { parseAddress } from "../core/address.ts";
import { messageOf, ProtocolError } from "../core/errors.ts";
import { dialPart } from "../net/connect.ts";
import type { Credential } from "../net/credential.ts";
import { Purpose } from "../net/protocol.ts";
import type { LivenessOptions } from "../net/liveness.ts";
import { MessageLink } from "../net/message_link.ts";
import { relay } from "../net/relay.ts";
import {
  INSPECTOR_TO_NODE,
  type InspectorToNode,
  MAX_RELAY_MESSAGE_BYTES,
  type NodeToInspector,
} from "../wire/inspect_messages.ts";

/** Inspectors listen on loopback. */
const LOOPBACK = "127.0.0.1";

/** Where a debugger waits for an inspector. */
export interface WaitingDebugger {
  /** The address of the bridge. */
  readonly bridge: string;
  /** What the bridge knows it by. */
  readonly id: string;
  readonly credential: Credential;
  readonly liveness?: LivenessOptions | undefined;
  /** Ends the connection. */
  readonly signal: AbortSignal;
}

/**
 * Connects to the bridge, and to the inspector on that port; resolves when one of them has closed the connection.
 *
 * @param port `undefined` if the process has no inspector, or has ended: the bridge is told so.
 * @throws {ConnectError} If the bridge cannot be reached.
 */
export async function relayInspector(
  port: number | undefined,
  { bridge, id, credential, liveness, signal }: WaitingDebugger,
): Promise<void> {
  const address = parseAddress(bridge);
  if (address === undefined) throw new ProtocolError(`"${bridge}" is not a valid bridge address`);
  const conn = await dialPart(address, Purpose.inspector, credential, { signal });
  const link = new MessageLink<NodeToInspector, InspectorToNode>(conn, {
    schema: INSPECTOR_TO_NODE,
    liveness,
    maxBytes: MAX_RELAY_MESSAGE_BYTES,
  });
  const stop = (): void => link.drop();
  signal.addEventListener("abort", stop);
  try {
    const inspector = await connectTo(port);
    if (typeof inspector === "string") {
      void link.send({ type: "no-inspector", id, why: inspector });
      // Closed here, the answer could be lost on its way.
      for await (const _ of link.messages());
      return;
    }
    void link.send({ type: "inspector", id });
    await relay(inspector, link, link.messages(), { leads: false });
  } finally {
    signal.removeEventListener("abort", stop);
    link.drop();
  }
}

/** The connection, or why there is none. */
async function connectTo(port: number | undefined): Promise<Deno.TcpConn | string> {
  if (port === undefined) return "it has no open inspector, or has ended";
  try {
    const conn = await Deno.connect({ hostname: LOOPBACK, port });
    conn.setNoDelay(true);
    return conn;
  } catch (error) {
    return `its inspector cannot be reached: ${messageOf(error)}`;
  }
}
