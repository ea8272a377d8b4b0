/** The nodes of a cluster, for people. */

import type { NodeReport } from "../core/node_report.ts";
import { formatMem } from "../core/resources.ts";
import { tableLines } from "./table.ts";

const HEADINGS = ["NODE", "STATE", "PROCESSES", "MEM-USED", "MEM", "CPU-USED", "CPU", "WHY"];

/**
 * One line for each node: what is in use there, of what it lends, and why it is not up. A cell has no spaces,
 * except for the last one. What is not known is `-`.
 */
export function nodeLines(nodes: readonly NodeReport[], width: number | undefined): string[] {
  const rows = nodes.map(({ node, state, why, capacity, inUse, processes }) => [
    node,
    state,
    String(processes),
    memWord(inUse.mem),
    capacity === null ? "-" : memWord(capacity.mem),
    cpuWord(inUse.cpu),
    capacity === null ? "-" : cpuWord(capacity.cpu),
    why,
  ]);
  return tableLines(HEADINGS, rows, width);
}

function memWord(bytes: number): string {
  return formatMem(bytes).replace(" ", "");
}

function cpuWord(cores: number): string {
  return String(Number(cores.toPrecision(4)));
}
