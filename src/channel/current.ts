/** The hub of this process: there is one, from `init()` on. */

import type { Hub } from "./hub.ts";

let current: Hub | undefined;

/** Makes `hub` this process's own. Called once, by `init()`. */
export function setHub(hub: Hub): void {
  current = hub;
}

/**
 * This process's hub.
 *
 * @param action What needs it, for the error: `create a Sender`.
 * @throws {Error} Before `init()` has resolved.
 */
export function hub(action: string): Hub {
  if (current === undefined) throw new Error(`Cannot ${action}: await init() first`);
  return current;
}

/** This process's hub, or `undefined` before `init()` has resolved. */
export function hubIfAny(): Hub | undefined {
  return current;
}
