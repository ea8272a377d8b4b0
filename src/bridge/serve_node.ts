/** Serves the connections of nodes that host runs of a bridge. */

import { hostOf } from "../core/address.ts";
import type { Logger } from "../core/logger.ts";
import { ProtocolError } from "../core/errors.ts";
import { MessageLink } from "../net/message_link.ts";
import { NODE_TO_BRIDGE } from "../wire/run_messages.ts";
import type { ActiveRun, DeploymentContext } from "./deployment.ts";
import { type HostConnection, refuseHost } from "./host_link.ts";
import type { Transport } from "../net/transport.ts";

/** Serves one connection of a node, until it ends, or it continues a link that is served already. */
export async function serveNode(
  conn: Transport,
  remote: string,
  { runs, liveness, logger }: Pick<DeploymentContext, "liveness" | "logger"> & {
    readonly runs: ReadonlyMap<string, Pick<ActiveRun, "run">>;
  },
): Promise<void> {
  const link: HostConnection = new MessageLink(conn, { schema: NODE_TO_BRIDGE, liveness });
  try {
    const messages = link.received();
    const host = (await messages.next()).value?.message;
    if (host === undefined) return;
    if (host.type !== "host") {
      throw new ProtocolError(`the first message is "${host.type}", not "host"`);
    }
    const active = runs.get(host.run);
    // The run may have ended while the node was connecting.
    if (active === undefined) return await refuseHost(link, messages);
    await active.run.serve(host, link, messages);
  } catch (error) {
    dropPeer(link, { who: "the node", remote }, error, logger);
  }
}

/**
 * Drops a peer with one log line; an error of this program is logged with its stack, and affects no other
 * peer.
 */
export function dropPeer(
  link: { drop(): void },
  { who, remote }: { readonly who: string; readonly remote: string },
  error: unknown,
  logger: Logger,
): void {
  link.drop();
  const line = `dropped ${who} at ${remote}`;
  if (error instanceof ProtocolError) logger.about(hostOf(remote), `${line}: ${error.message}`);
  else logger.error(`${line}: ${error instanceof Error ? error.stack : String(error)}`);
}
