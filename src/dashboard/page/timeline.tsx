/** The time line: a bar for each process that is on the screen, on one canvas. */

import type { TreeEntry } from "../../run/process_table.ts";
import { type Bar, barsOf, positionOf, type Scale, ticksOf } from "../model/timeline.ts";
import { useLayoutEffect, useRef, type VNode } from "./packages.ts";
import { currentModel } from "./state.ts";

const BAR_HEIGHT = 12;

/** Lines are as far apart as this in a time line of that width, in pixels. */
export const NARROW = 400;
export const TICK_GAP = 80;

export interface TimelineProps {
  readonly rows: readonly TreeEntry[];
  /** How far the rows are scrolled, in pixels. */
  readonly top: number;
  readonly rowHeight: number;
  readonly fromMs: number;
  readonly toMs: number;
}

export function Timeline({ rows, top, rowHeight, fromMs, toMs }: TimelineProps): VNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const element = canvas.current!;
    const { clientWidth: width, clientHeight: height } = element;
    const ratio = devicePixelRatio;
    if (element.width !== Math.round(width * ratio)) element.width = Math.round(width * ratio);
    if (element.height !== Math.round(height * ratio)) element.height = Math.round(height * ratio);
    const context = element.getContext("2d");
    if (context === null || width === 0) return;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const colors = colorsOf(element);
    const scale: Scale = { fromMs, toMs, width };
    drawTicks(context, scale, height, colors);
    const model = currentModel();
    const first = Math.floor(top / rowHeight);
    const end = Math.min(rows.length, Math.ceil((top + height) / rowHeight));
    for (let index = Math.max(0, first); index < end; index++) {
      const { process } = rows[index]!;
      const y = index * rowHeight - top + (rowHeight - BAR_HEIGHT) / 2;
      const segments = model.seen(process.pid)?.segments ?? [];
      const { bars, end: ended } = barsOf(process, segments, scale, toMs);
      for (const { x, width, kind } of bars) {
        context.fillStyle = colors[kind];
        context.beginPath();
        context.roundRect(x, y, width, BAR_HEIGHT, kind === "unseen" ? 3 : 1.5);
        context.fill();
      }
      if (ended === undefined) continue;
      context.fillStyle = ended.ok ? colors.ended : colors.failed;
      context.fillRect(Math.max(0, ended.x - 1), y - 3, ended.ok ? 2 : 3, BAR_HEIGHT + 6);
    }
  });
  return (
    <canvas
      ref={canvas}
      class="timeline"
      role="img"
      aria-label="When each process ran, computed and waited; the table says what it does now"
    />
  );
}

type Colors = Readonly<Record<Bar["kind"] | "ended" | "failed" | "line", string>>;

const KINDS = [
  ...["computes", "waits", "idle", "stopped", "silent", "unseen"] as const,
  ...["ended", "failed", "line"] as const,
];

function colorsOf(element: Element): Colors {
  const style = getComputedStyle(element);
  return Object.fromEntries(
    KINDS.map((kind) => [kind, style.getPropertyValue(`--${kind}`).trim()]),
  ) as Colors;
}

function drawTicks(
  context: CanvasRenderingContext2D,
  scale: Scale,
  height: number,
  colors: Colors,
): void {
  context.fillStyle = colors.line;
  // As many as there are where the times are written, whatever the width.
  for (const at of ticksOf({ ...scale, width: NARROW }, TICK_GAP)) {
    context.fillRect(positionOf(at, scale), 0, 1, height);
  }
}
