/** Whether a node is avoided because it could not do what it was asked for, and for how long. Pure. */

/** How long a node is avoided: the first value, then doubled up to the second. */
export const FIRST_PAUSE_MS = 1_000;
export const MAX_PAUSE_MS = 60_000;

/** What is known of a node's failures since it last did what it was asked for. */
export interface Avoidance {
  /** How often it was avoided since then. */
  readonly pauses: number;
  /** Why it is avoided, in a few words; `null` while it is not. */
  readonly why: string | null;
}

/** A node that has done everything so far. */
export const NOT_AVOIDED: Avoidance = { pauses: 0, why: null };

/**
 * It could not do something: it is avoided, for longer each time, unless that was something for one program only; and
 * for how long, if that begins now.
 */
export function failed(
  avoidance: Avoidance,
  why: string,
  ofProgram: boolean = false,
): { readonly avoidance: Avoidance; readonly pauseMs: number | null } {
  // What was asked for before the first failure is known may fail, too.
  if (avoidance.why !== null) return { avoidance: { ...avoidance, why }, pauseMs: null };
  if (ofProgram) return { avoidance: { ...avoidance, why }, pauseMs: FIRST_PAUSE_MS };
  const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** avoidance.pauses, MAX_PAUSE_MS);
  return { avoidance: { pauses: avoidance.pauses + 1, why }, pauseMs };
}

/** Its pause is over: it is tried again. */
export function pauseOver(avoidance: Avoidance): Avoidance {
  return { ...avoidance, why: null };
}

/** It did what it was asked for. A pause still ends when it was to end. */
export function succeeded(avoidance: Avoidance): Avoidance {
  return avoidance.why === null ? NOT_AVOIDED : avoidance;
}
