/** The resources that a node may lend: positive, and small enough to be counted exactly. */

import type { Resources } from "../core/resources.ts";

/** The most that a node can lend. */
export const LARGEST: Readonly<Resources> = {
  mem: Number.MAX_SAFE_INTEGER,
  cpu: Math.floor(Number.MAX_SAFE_INTEGER / 1e6),
};

/** Whether a node can lend these. */
export function isCapacity({ mem, cpu }: Readonly<Resources>): boolean {
  return mem >= 1 && mem <= LARGEST.mem && cpu > 0 && cpu <= LARGEST.cpu;
}

/** Why a node is refused that lends something else, in one line. */
export function notCapacity({ mem, cpu }: Readonly<Resources>): string {
  return `a node cannot have ${mem} bytes and ${cpu} cores`;
}
