/** What a master knows of its nodes, as metrics. */

import type { Metric, Sample } from "../core/metrics.ts";
import { NODE_STATES, type NodeReport } from "../core/node_report.ts";

/** The metrics of nodes. */
export function nodeMetrics(nodes: readonly NodeReport[]): Metric[] {
  const counts = Map.groupBy(nodes, ({ state }) => state);
  const lent = nodes.filter(({ capacity }) => capacity !== null);
  const gauge = (name: string, help: string, samples: readonly Sample[]): Metric => ({
    ...{ name, help, type: "gauge", samples },
  });
  const each = (
    of: readonly NodeReport[],
    value: (node: NodeReport) => number,
  ): Sample[] => of.map((node) => ({ labels: { node: node.node }, value: value(node) }));
  return [
    gauge(
      "deploy_nodes",
      "Nodes of the cluster, by state.",
      NODE_STATES.map((state) => ({ labels: { state }, value: counts.get(state)?.length ?? 0 })),
    ),
    gauge(
      "deploy_node_memory_bytes",
      "Memory that the node lends.",
      each(lent, ({ capacity }) => capacity!.mem),
    ),
    gauge(
      "deploy_node_memory_asked_bytes",
      "Memory that the processes of the node have asked for.",
      each(nodes, ({ inUse }) => inUse.mem),
    ),
    gauge(
      "deploy_node_cores",
      "Cores that the node lends.",
      each(lent, ({ capacity }) => capacity!.cpu),
    ),
    gauge(
      "deploy_node_cores_asked",
      "Cores that the processes of the node have asked for.",
      each(nodes, ({ inUse }) => inUse.cpu),
    ),
    gauge(
      "deploy_node_processes",
      "Processes that have a place on the node, also those that start.",
      each(nodes, ({ processes }) => processes),
    ),
  ];
}
