/** Durations, as people write them. */

import { DEFAULT_GRACE_MS, MAX_GRACE_MS } from "./signals.ts";

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * Parses a duration: a number and a unit (`ms`, `s`, `m` or `h`), such as `500ms`, `10s` or `1.5 h`; or
 * `0`, which needs no unit.
 *
 * @returns Milliseconds.
 * @throws {SyntaxError} If `text` is something else.
 */
export function parseDuration(text: string): number {
  const ms = readDuration(text);
  if (ms !== undefined) return ms;
  throw new SyntaxError(
    `Cannot read ${JSON.stringify(text)} as a duration: ` +
      `write a number and a unit, such as "500ms", "10s" or "0"`,
  );
}

/**
 * Parses a grace, the time that processes have when they are told to stop: at most an hour.
 *
 * @param text The user's text; if empty or `undefined`, the result is 3 s.
 * @param what Its source, such as `DEPLOY_GRACE`.
 * @returns Milliseconds.
 * @throws {SyntaxError} If it is malformed; the message is for the user.
 */
export function parseGrace(text: string | undefined, what: string): number {
  if (text === undefined || text === "") return DEFAULT_GRACE_MS;
  const ms = readDuration(text);
  if (ms !== undefined && ms <= MAX_GRACE_MS) return ms;
  throw new SyntaxError(
    `Cannot use ${JSON.stringify(text)} as ${what}: ` +
      `write a duration of at most 1h, such as "500ms", "10s" or "0"`,
  );
}

/** Milliseconds, or `undefined` if it is not a duration. */
function readDuration(text: string): number | undefined {
  const [, amount, unit] = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h)?\s*$/.exec(text) ?? [];
  const number = Number(amount);
  const ms = number * (unit === undefined ? 1 : UNITS_MS[unit] ?? NaN);
  return Number.isFinite(ms) && (unit !== undefined || ms === 0) ? ms : undefined;
}
