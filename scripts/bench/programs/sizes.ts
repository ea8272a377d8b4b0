/** How much is sent: the same by ours, baselines and peers. */

/** Round trips whose median is one sample. */
export const ROUND_TRIPS = 3_000;
export const ROUND_TRIP_BYTES = 16;

/** Small messages that are one sample. */
export const MESSAGES = 200_000;

/** Arrays of 1 MiB that are one sample. */
export const ARRAYS = 400;
export const ARRAY_BYTES = 1024 * 1024;

/** Writes of 64 KiB to stdout that are one sample. */
export const WRITES = 4_000;
export const WRITE_BYTES = 64 * 1024;

/** How many messages of {@linkcode MESSAGES} there are a second, in thousands. */
export function messageRate(ms: number): number {
  return MESSAGES / ms;
}

/** How many bytes of {@linkcode ARRAYS} there are a second, in MB. */
export function arrayRate(ms: number): number {
  return ARRAYS * ARRAY_BYTES / 1e3 / ms;
}

/** How often `loop` starts a process. */
export const LOOPS = 30;
/** What a started process answers. */
export const ANSWER_BYTES = 16;

/** The answer of a started process. */
export function answerOf(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(ANSWER_BYTES);
}

/** Calls of a pool. */
export const CALLS = {
  /** Calls one after the other that are one sample. */
  one: 5_000,
  /** The same for calls of which many are under way. */
  many: 50_000,
  underWay: 1_000,
};
