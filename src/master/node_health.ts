/** Whether a node is avoided because it could not do what it was asked for, and for how long. Pure. */

/** How long a node is avoided: the first value, then doubled up to the second. */
export const FIRST_PAUSE_MS = 1_000;
export const MAX_PAUSE_MS = 60_000;

/** What is known of a node's failures since it last did what it was asked for. */
export interface NodeHealth {
  /** How often it was avoided since then. */
  readonly pauses: number;
  /** Why it is avoided, in a few words; `null` while it is not. */
  readonly why: string | null;
}

/** A node that has done everything so far. */
export const WELL: NodeHealth = { pauses: 0, why: null };

/**
 * It could not do something: it is avoided, for longer each time, unless that was something for one program only; and
 * for how long, if that begins now.
 */
export function failed(
  health: NodeHealth,
  why: string,
  ofProgram: boolean = false,
): { readonly health: NodeHealth; readonly pauseMs: number | null } {
  // What was asked for before the first failure is known may fail, too.
  if (health.why !== null) return { health: { ...health, why }, pauseMs: null };
  if (ofProgram) return { health: { ...health, why }, pauseMs: FIRST_PAUSE_MS };
  const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** health.pauses, MAX_PAUSE_MS);
  return { health: { pauses: health.pauses + 1, why }, pauseMs };
}

/** Its pause is over: it is tried again. */
export function pauseOver(health: NodeHealth): NodeHealth {
  return { ...health, why: null };
}

/** It did what it was asked for. A pause still ends when it was to end. */
export function succeeded(health: NodeHealth): NodeHealth {
  return health.why === null ? WELL : health;
}
