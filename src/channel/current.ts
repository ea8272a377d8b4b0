/** The hub of this process: there is one, from `init()` on. */

import { atCaller, type Operation } from "../core/errors.ts";
import type { Hub } from "./hub.ts";

let current: Hub | undefined;

/** Sets this process's hub. `init()` calls it once for good, and the rehearsal of a spare before that. */
export function setHub(hub: Hub | undefined): void {
  current = hub;
}

/**
 * This process's hub.
 *
 * @param action The action that needs it, for the error: `create a Sender`.
 * @param operation The function that the program called.
 * @throws {Error} Before `init()` has resolved.
 */
export function hub(action: string, operation: Operation): Hub {
  if (current !== undefined) return current;
  throw atCaller(new Error(`Cannot ${action}: await init() first`), operation);
}

/** This process's hub, or `undefined` before `init()` has resolved. */
export function hubIfAny(): Hub | undefined {
  return current;
}
