/** A node that listens: alone, or beside a master on the same address. */

import type { Address } from "../core/address.ts";
import { formatAddress } from "../core/pid.ts";
import type { Metric } from "../core/metrics.ts";
import { NodeMeter } from "../node/node_meter.ts";
import { NodeService } from "../node/node_service.ts";
import { PartServer, type PartServerOptions } from "../net/connect.ts";
import { Purpose } from "../net/protocol.ts";
import { refusedMetric } from "../net/part_server.ts";
import { lentResources } from "./machine.ts";
import type { Setting } from "./setting.ts";

export interface NodePart {
  /** Its address, with the actual port. */
  readonly address: Address;
  readonly server: PartServer;
  readonly service: NodeService;
  /** What it measures now. */
  metrics(): Metric[];
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
  const { credential, store, reporter, verbose, ports, liveness, enforcement } = setting;
  const { maxSpares, cap, user, mostRunBytes, mostPersonBytes } = setting;
  const server = new PartServer({
    address: bind,
    credential,
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
  const meter = new NodeMeter();
  const service = new NodeService({
    host,
    ip: server.ip,
    port,
    address: name,
    machine: lentResources(),
    credential,
    store,
    maxSpares,
    ports,
    liveness,
    enforcement,
    cap,
    user,
    mostRunBytes,
    mostPersonBytes,
    logger: reporter.logger,
    report: (run, event) => {
      meter.took(event);
      if (verbose) reporter.process(name, run, event);
    },
  });
  reporter.ready("node", name);
  enforcement?.report();
  const metrics = () => [
    ...meter.metrics(name, store.receivedBytes),
    refusedMetric(server.refused, "node", name),
  ];
  return { address: server.address, server, service, metrics };
}
