/** The process that this code runs in, once `init()` knows which one it is. */

import type { Hold } from "../channel/hold.ts";
import { atCaller, errorAt, type Operation } from "../core/errors.ts";
import type { Pid } from "../core/pid.ts";
import type { Resources } from "../core/resources.ts";
import type { Wait } from "../core/waits.ts";
import type { Endings } from "./endings.ts";
import type { Environment } from "./environment.ts";
import type { NodeLink } from "./node_link.ts";

/** The state of this process, and its link to the node. */
export interface CurrentProcess {
  readonly pid: Pid;
  readonly resources: Readonly<Resources>;
  readonly link: NodeLink;
  /** The ends of other processes that this one waits for. */
  readonly endings: Endings;
  /** Keeps the process alive while something of the user's is pending. */
  readonly hold: Hold;
  /** The requests pending at the node, for reports of what this process waits for. */
  readonly waits: Set<Wait>;
  /** The environment that every process of the program starts with; see environment.ts. */
  readonly environment: Environment | undefined;
  /** What makes spans. @default nothing is traced */
  readonly tracing?: typeof import("./traced.ts") | undefined;
}

let process: CurrentProcess | undefined;

/** Sets the state of this process. `init()` calls it once. */
export function setCurrent(current: CurrentProcess): void {
  process = current;
}

/**
 * This process.
 *
 * @param action The action that needs it, such as `spawn`, for the message.
 * @param operation The function that the program called for that.
 * @throws {Error} If `init()` has not resolved.
 */
export function current(action: string, operation: Operation): CurrentProcess {
  if (process !== undefined) return process;
  throw atCaller(new Error(`Cannot ${action}: await init() first`), operation);
}

/**
 * Keeps the process alive until what `operation` returns has settled.
 *
 * @param wait What the program waits for meanwhile.
 * @param site Where the program called for it, for the stack of the error that it may reject with.
 */
export async function holding<T>(
  { hold, waits }: CurrentProcess,
  wait: Wait,
  site: Error,
  operation: () => Promise<T>,
): Promise<T> {
  hold.acquire();
  waits.add(wait);
  try {
    return await operation();
  } catch (error) {
    throw errorAt(site, error as Error);
  } finally {
    waits.delete(wait);
    hold.release();
  }
}

/**
 * This process's own Pid.
 *
 * @throws {Error} Before `init()` has resolved.
 */
export function pid(): Pid {
  return current("get the pid", pid).pid;
}

/**
 * The resources that this process was given.
 *
 * @throws {Error} Before `init()` has resolved.
 */
export function resources(): Readonly<Resources> {
  return current("get the resources", resources).resources;
}
