/** A node that listens: alone, or beside a master on the same address. */

import type { Address } from "../core/address.ts";
import { formatAddress } from "../core/pid.ts";
import { NodeService } from "../node/node_service.ts";
import { PartServer, type PartServerOptions } from "../net/connect.ts";
import { Purpose } from "../net/handshake.ts";
import { lentResources } from "./machine.ts";
import type { Setting } from "./setting.ts";

export interface NodePart {
  /** Its address, with the actual port. */
  readonly address: Address;
  readonly server: PartServer;
  readonly service: NodeService;
}

/**
 * Listens at `bind` for a master.
 *
 * @param handlers The handlers of other parts at that address.
 * @throws {ListenError}
 */
export function startNode(
  setting: Setting,
  bind: Address,
  handlers: PartServerOptions["handlers"] = {},
): NodePart {
  const { credential, tls, store, reporter, verbose, maxSpares, ports, liveness } = setting;
  const server = new PartServer({
    address: bind,
    credential,
    tls,
    logger: reporter.logger,
    handlers: {
      ...handlers,
      // It listens once created, and connections come only after this function has returned.
      [Purpose.node]: (conn, remote) => service.acceptMaster(conn, remote),
      [Purpose.arg]: (conn, remote) => service.acceptFetch(conn, remote),
    },
  });
  const { host, port } = server.address;
  const name = formatAddress(host, port);
  const service = new NodeService({
    host,
    port,
    address: name,
    machine: lentResources(),
    credential,
    tls,
    store,
    maxSpares,
    ports,
    liveness,
    logger: reporter.logger,
    ...(verbose ? { report: (run, event) => reporter.process(name, run, event) } : {}),
  });
  reporter.ready("node", name);
  return { address: server.address, server, service };
}
