/** What a process did, and when, as far as somebody looked. */

import type { Pid } from "../../core/pid.ts";
import type { Activity } from "../../core/samples.ts";

/** A time in which a process did the same. Times are in milliseconds since the epoch. */
export interface Segment {
  readonly fromMs: number;
  toMs: number;
  readonly activity: Activity;
  /** The process that it waited for. */
  readonly on: Pid | null;
}

/** Two samples that are further apart say nothing about the time between them. */
export const MAX_GAP_MS = 10_000;

/** How many segments are kept of a process. */
const MAX_SEGMENTS = 500;

/** A process that uses this much of a core computes, whatever it waits for just now. */
const BUSY_CORES = 0.5;

/** What a process did between two samples: what the later one says, unless it has used the CPU. */
export function activityBetween(sampled: Activity, cores: number | null): Activity {
  const isMixed = sampled === "waits" || sampled === "idle";
  return isMixed && cores !== null && cores >= BUSY_CORES ? "computes" : sampled;
}

/** Adds the time up to `toMs` to the segments of a process. */
export function addSegment(segments: Segment[], next: Segment): void {
  const last = segments.at(-1);
  const isSame = last !== undefined && last.toMs >= next.fromMs &&
    last.activity === next.activity &&
    last.on === next.on;
  if (isSame) {
    last.toMs = next.toMs;
    return;
  }
  segments.push(next);
  if (segments.length > MAX_SEGMENTS) segments.splice(0, segments.length - MAX_SEGMENTS);
}
