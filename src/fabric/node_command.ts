/** `fabric <bind>` and `fabric join`: a node in a process of its own. */

import type { FabricCommand } from "../cli/fabric_arguments.ts";
import { KILL, type Termination } from "../core/signals.ts";
import { endSignal } from "./ending.ts";
import { announce } from "./join_link.ts";
import { lentResources } from "./machine.ts";
import { metricsOf } from "./metrics_server.ts";
import { startNode } from "./node_part.ts";
import { prepareSetting } from "./setting.ts";

/** Runs a node until a signal ends it. */
export async function runNode(
  { bind, options }: Extract<FabricCommand, { command: "node" }>,
): Promise<number> {
  const ended = endSignal(options);
  await using setting = await prepareSetting(options, [bind]);
  const { server, service, metrics } = startNode(setting, bind);
  await using _metrics = metricsOf(setting, options, metrics);
  const how = await ended;
  await server.close();
  await service.stop(how);
  return 0;
}

/** Runs a node that joins a master, until a signal ends it or the master refuses it. */
export async function runJoin(
  command: Extract<FabricCommand, { command: "join" }>,
): Promise<number> {
  const { bind, master, options } = command;
  const ended = endSignal(options);
  await using setting = await prepareSetting(options, [bind]);
  const { address, server, service, metrics } = startNode(setting, bind);
  await using _metrics = metricsOf(setting, options, metrics);
  const leaving = new AbortController();
  const { credential, liveness, reporter: { logger } } = setting;
  const resources = command.resources ?? lentResources();
  const { signal } = leaving;
  const join = { master, node: address, resources, credential, liveness, logger, signal };
  let how: Termination = KILL;
  try {
    how = await Promise.race([ended, announce(join).then(() => KILL)]);
  } finally {
    await server.close();
    await service.stop(how);
    leaving.abort();
  }
  return 0;
}
