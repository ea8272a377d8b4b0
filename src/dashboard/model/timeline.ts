/** The bars of processes on a time line, in pixels. */

import type { ProcessEntry } from "../../run/process_table.ts";
import { success } from "../../core/exit_status.ts";
import type { Activity } from "../../core/samples.ts";
import type { Segment } from "./activity.ts";

/** The part of time that is shown, and how wide. */
export interface Scale {
  readonly fromMs: number;
  readonly toMs: number;
  readonly width: number;
}

/** A part of a bar; `unseen` is the time when nobody looked. */
export interface Bar {
  readonly x: number;
  readonly width: number;
  readonly kind: Activity | "unseen";
}

/** The bars of one process, from left to right; the later ones are drawn over the earlier. */
export interface ProcessBars {
  readonly bars: readonly Bar[];
  /** Where it ended, and whether well; `undefined` if it runs, or ended before or after what is shown. */
  readonly end: { readonly x: number; readonly ok: boolean } | undefined;
}

/** A bar is never thinner. */
const MIN_WIDTH = 2;

export function positionOf(timeMs: number, { fromMs, toMs, width }: Scale): number {
  return toMs <= fromMs ? 0 : (timeMs - fromMs) / (toMs - fromMs) * width;
}

/** What a time line shows of a process; `nowMs` is where a running one ends. */
export function barsOf(
  { startedMs, endedMs, status }: ProcessEntry,
  segments: readonly Segment[],
  scale: Scale,
  nowMs: number,
): ProcessBars {
  const endMs = endedMs ?? nowMs;
  if (endMs < scale.fromMs || startedMs > scale.toMs) return { bars: [], end: undefined };
  const bars: Bar[] = [];
  const add = (fromMs: number, toMs: number, kind: Bar["kind"]) => {
    const x = Math.max(0, positionOf(fromMs, scale));
    const right = Math.min(scale.width, positionOf(Math.min(toMs, endMs), scale));
    if (right < 0 || x > scale.width) return;
    bars.push({ x, width: Math.max(MIN_WIDTH, right - x), kind });
  };
  add(startedMs, endMs, "unseen");
  for (const { fromMs, toMs, activity } of segments) add(fromMs, toMs, activity);
  const isShown = endedMs !== null && endedMs <= scale.toMs && status !== null;
  const end = isShown ? { x: positionOf(endedMs, scale), ok: success(status) } : undefined;
  return { bars, end };
}

/** Round times, in ms, for lines in a scale: at least `minGap` pixels apart. */
export function ticksOf({ fromMs, toMs, width }: Scale, minGap: number): number[] {
  if (toMs <= fromMs || width <= 0) return [];
  const atLeast = (toMs - fromMs) / width * minGap;
  const steps = [
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    1_800,
    3_600,
    7_200,
    21_600,
    43_200,
    86_400,
  ];
  const step = (steps.find((seconds) => seconds * 1_000 >= atLeast) ??
    Math.ceil(atLeast / 86_400_000) * 86_400) * 1_000;
  const ticks: number[] = [];
  for (let at = Math.ceil(fromMs / step) * step; at <= toMs; at += step) ticks.push(at);
  return ticks;
}
