/** `fabric master` and `fabric <bind> <nodes.toml>`: a master, with its own node and its bridge. */

import { type Address, DEFAULT_BRIDGE } from "../core/address.ts";
import type { Distribution, Metric } from "../core/metrics.ts";
import { UsageError } from "../core/usage_error.ts";
import { formatAddress } from "../core/pid.ts";
import type { Resources } from "../core/resources.ts";
import { MasterService } from "../master/master_service.ts";
import type { FabricCommand, FabricOptions, NodeGroup } from "../cli/fabric_arguments.ts";
import { Purpose } from "../net/protocol.ts";
import { BridgeProcess, findPort } from "./bridge_process.ts";
import { KILL, type Termination } from "../core/signals.ts";
import { endSignal } from "./ending.ts";
import { metricsOf } from "./metrics_server.ts";
import { type NodePart, startNode } from "./node_part.ts";
import { parseNodesFile } from "./nodes_file.ts";
import { prepareSetting, type Setting } from "./setting.ts";

/** The default port of a bridge, on the master's own host. */
export const BRIDGE_PORT: number = DEFAULT_BRIDGE.port;

/** A master, its own node, and its bridge. */
export interface MasterPart {
  readonly node: NodePart;
  readonly master: MasterService;
  readonly bridge: BridgeProcess;
}

/** Runs a master until a signal ends it. The first group is its own node. */
export async function runMaster(
  groups: readonly NodeGroup[],
  options: FabricOptions,
): Promise<number> {
  const [own, ...others] = groups;
  if (own === undefined) throw new UsageError("no node is given; expected the master's own first");
  for (const { address, bridge } of others) {
    const name = formatAddress(address.host, address.port);
    if (bridge !== undefined) {
      throw new UsageError(`${name} has a bridge; expected one at the master's own node only`);
    }
    if (address.port === 0) throw new UsageError(`${name} has port 0; expected its actual port`);
  }
  const names = groups.map(({ address: { host, port } }) => formatAddress(host, port));
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw new UsageError(`${twice} is given twice; expected each node once`);

  const ended = endSignal(options);
  const bridgeBind = own.bridge ?? { host: own.address.host, port: BRIDGE_PORT };
  await using setting = await prepareSetting(options, [own.address, bridgeBind]);
  const place = { address: await findPort(bridgeBind), anyPort: bridgeBind.port === 0 };
  const part = await startMaster(setting, own.address, own.resources, place);
  await using _metrics = metricsOf(setting, options, () => measureMaster(part));
  for (const { address, resources } of others) part.master.addNode(address, resources);
  await stopMaster(part, await ended);
  return 0;
}

/** Like {@linkcode runMaster}, with the nodes from a file, one of which has the address to bind. */
export async function runMasterOfFile(
  { bind, nodesFile, options }: Extract<FabricCommand, { command: "master-of-file" }>,
): Promise<number> {
  const groups = parseNodesFile(await readNodesFile(nodesFile), nodesFile);
  const isOwn = ({ address }: NodeGroup) =>
    address.host === bind.host && address.port === bind.port;
  const own = groups.find(isOwn);
  if (own === undefined) {
    throw new UsageError(
      `${nodesFile}: no node has fabric_addr = "${formatAddress(bind.host, bind.port)}"; ` +
        "expected one for the master itself",
    );
  }
  return await runMaster([own, ...groups.filter((group) => group !== own)], options);
}

/** Where a bridge is to listen. */
export interface BridgePlace {
  /** With a port that is free. */
  readonly address: Address;
  /** Whether another start may have another port. */
  readonly anyPort: boolean;
}

/**
 * Listens for bridges and joining nodes, and starts the bridge.
 *
 * @param listens Called with the address of the master, before anybody is told of it. @default nothing is done
 * @throws {ListenError}
 */
export async function startMaster(
  setting: Setting,
  bind: Address,
  resources: Readonly<Resources> | undefined,
  place: BridgePlace,
  listens: (address: Address) => Promise<void> = () => Promise.resolve(),
): Promise<MasterPart> {
  const { credential, plain, deny, mostRuns, liveness, secret, store, reporter, format } = setting;
  const { logger } = reporter;
  const master = new MasterService({ credential, liveness, logger });
  const node = startNode(setting, bind, {
    [Purpose.bridge]: (conn, remote) => master.acceptBridge(conn, remote),
    [Purpose.join]: (conn, remote) => master.acceptJoin(conn, remote),
    [Purpose.drain]: (conn, remote) => master.acceptDrain(conn, remote),
  });
  const { address } = node;
  await listens(address);
  reporter.ready("master", formatAddress(address.host, address.port));
  master.addNode(address, resources);
  const bridge = await BridgeProcess.start({
    bind: place.address,
    anyPort: place.anyPort,
    master: address,
    secret,
    plain,
    deny,
    mostRuns,
    store: store.folder,
    format,
  }, logger);
  return { node, master, bridge };
}

/** What a master, its bridge and its own node measure. */
export async function measureMaster(
  { node, master, bridge }: MasterPart,
): Promise<(Metric | Distribution)[]> {
  return [
    ...await master.measure(),
    {
      ...{ name: "deploy_bridge_restarts_total", type: "counter" },
      help: "How often the bridge has ended and was started again.",
      samples: [{ value: bridge.restarts }],
    },
    ...node.metrics(),
  ];
}

/** Ends all runs as `how` says, lets the bridge report that, and ends. */
export async function stopMaster(
  { node, master, bridge }: MasterPart,
  how: Termination,
): Promise<void> {
  await master.endRuns(how);
  await bridge.stop();
  await node.server.close();
  master.close();
  await node.service.stop(KILL);
}

async function readNodesFile(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    const why = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : error instanceof Error
      ? error.message
      : String(error);
    throw new UsageError(`Cannot read ${path}: ${why}`);
  }
}
