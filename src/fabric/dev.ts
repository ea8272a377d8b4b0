/**
 * `fabric dev`: a whole cluster on loopback, in one process apart from the bridge. Unless it is given a secret, it
 * makes one, which only commands of the same user find.
 */

import type { Address } from "../core/address.ts";
import { formatAddress } from "../core/pid.ts";
import type { Resources } from "../core/resources.ts";
import type { FabricCommand } from "../cli/fabric_arguments.ts";
import { KILL } from "../core/signals.ts";
import { formatSecret, newSecret } from "../net/secret.ts";
import { findPort } from "./bridge_process.ts";
import { keepDevSecret } from "./dev_secret.ts";
import { endSignal } from "./ending.ts";
import { BRIDGE_PORT, measureMaster, startMaster, stopMaster } from "./master_command.ts";
import { machineResources } from "./machine.ts";
import { metricsOf } from "./metrics_server.ts";
import { startNode } from "./node_part.ts";
import { prepareSetting } from "./setting.ts";

const HOST = "127.0.0.1";

const DEFAULT_NODES = 3;

/** Runs the cluster until a signal ends it. */
export async function runDev(
  command: Extract<FabricCommand, { command: "dev" }>,
): Promise<number> {
  const { nodes: count = DEFAULT_NODES, options } = command;
  const bind = { host: HOST, port: 0 };
  const bridgeBind = command.bridge ?? { host: HOST, port: BRIDGE_PORT };
  const resources = shareOf(machineResources(), count, command.resources);
  const ended = endSignal(options);
  const made = { bytes: newSecret(), open: false };
  await using setting = await prepareSetting(options, [bind, bridgeBind], made);
  const bridgeAddress = await findPort(bridgeBind);
  await using secretFiles = new AsyncDisposableStack();
  const keepSecret = async (address: Address): Promise<void> => {
    if (setting.secret !== made) return;
    secretFiles.use(await keepDevSecret(await formatSecret(made.bytes), address));
  };
  // Before the bridge can be deployed to.
  await keepSecret(bridgeAddress);
  const place = { address: bridgeAddress, anyPort: bridgeBind.port === 0 };
  const part = await startMaster(setting, bind, resources, place, keepSecret);
  const others = Array.from({ length: count - 1 }, () => startNode(setting, bind));
  for (const { address } of others) part.master.addNode(address, resources);
  await using _metrics = metricsOf(setting, options, async () => [
    ...await measureMaster(part),
    ...others.flatMap((node) => node.metrics()),
  ]);
  const { host, port } = bridgeAddress;
  setting.reporter.logger.info(`run a program with: deploy ${formatAddress(host, port)} main.ts`);
  const how = await ended;
  await Promise.all(others.map(({ server }) => server.close()));
  await stopMaster(part, how);
  await Promise.all(others.map(({ service }) => service.stop(KILL)));
  return 0;
}

/**
 * The resources of each node: those given, or its share of the memory, and all cores. The nodes are one
 * machine, so a program that fits on the machine should fit on a node.
 */
export function shareOf(
  machine: Readonly<Resources>,
  count: number,
  given: Readonly<Partial<Resources>>,
): Resources {
  return {
    mem: given.mem ?? Math.floor(machine.mem / count),
    cpu: given.cpu ?? machine.cpu,
  };
}
