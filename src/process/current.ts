/** The process that this code runs in, once `init()` knows which one it is. */

import type { Hold } from "../channel/hold.ts";
import type { Pid } from "../core/pid.ts";
import type { Resources } from "../core/resources.ts";
import type { Environment } from "./environment.ts";
import type { NodeLink } from "./node_link.ts";

/** What this process is, and what it needs to ask its node for others. */
export interface CurrentProcess {
  readonly pid: Pid;
  readonly resources: Readonly<Resources>;
  readonly link: NodeLink;
  /** Keeps the process alive while something of the user's is pending. */
  readonly hold: Hold;
  /** The environment that every process of the program starts with; see environment.ts. */
  readonly environment: Environment | undefined;
}

let process: CurrentProcess | undefined;

/** Says which process this is. `init()` calls it, once. */
export function setCurrent(current: CurrentProcess): void {
  process = current;
}

/**
 * This process.
 *
 * @param action What cannot be done without it, such as `spawn`, for the message.
 * @throws {Error} If `init()` has not resolved.
 */
export function current(action: string): CurrentProcess {
  if (process === undefined) throw new Error(`Cannot ${action}: await init() first`);
  return process;
}

/**
 * This process's own Pid.
 *
 * @throws {Error} Before `init()` has resolved.
 */
export function pid(): Pid {
  return current("tell the pid").pid;
}

/**
 * What this process asked of its node.
 *
 * @throws {Error} Before `init()` has resolved.
 */
export function resources(): Readonly<Resources> {
  return current("tell the resources").resources;
}
