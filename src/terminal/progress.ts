/** Shows progress: in one line that changes, or in plain lines. */

import { formatMem } from "../core/resources.ts";

/** A display of progress. */
export interface Progress {
  /** A step begins. */
  step(text: string): void;
  /** The progress of a transfer, in bytes. */
  sent(done: number, total: number): void;
  /** A step is done: shows a line that stays. */
  done(text: string): void;
  /** Removes the line that changes. */
  clear(): void;
}

/** The minimum interval between drawings of the bar. */
const REDRAW_MS = 50;

/** The bar's width in characters. */
const BAR_WIDTH = 24;

/** Shows nothing. */
export const SILENT: Progress = { step() {}, sent() {}, done() {}, clear() {} };

/** One plain line for each completed step. */
export function plainProgress(write: (text: string) => void): Progress {
  return { step() {}, sent() {}, done: (text) => write(`${text}\n`), clear() {} };
}

/** One line of a terminal, which is overwritten. */
export function barProgress(
  write: (text: string) => void,
  nowMs: () => number = () => performance.now(),
): Progress {
  let drawnMs = -Infinity;
  let beganMs: number | undefined;
  /** Whether the cursor's line is this one: otherwise it may be output of the program. */
  let isOwn = false;
  const draw = (text: string) => {
    write(`${isOwn ? "\r\x1b[K" : ""}${text}`);
    isOwn = text !== "" && !text.endsWith("\n");
  };
  return {
    step: (text) => draw(`${text} …`),
    sent(done, total): void {
      beganMs ??= nowMs();
      if (done < total && nowMs() - drawnMs < REDRAW_MS) return;
      drawnMs = nowMs();
      const filled = total === 0 ? BAR_WIDTH : Math.floor((done / total) * BAR_WIDTH);
      const bar = "█".repeat(filled) + "░".repeat(BAR_WIDTH - filled);
      const seconds = Math.max((nowMs() - beganMs) / 1_000, 0.001);
      draw(`sending ${bar} ${formatMem(done)} of ${formatMem(total)}, ${rate(done, seconds)}`);
    },
    done: (text) => draw(`${text}\n`),
    clear: () => {
      if (isOwn) draw("");
    },
  };
}

/** `12 MiB/s`. */
export function rate(bytes: number, seconds: number): string {
  return `${formatMem(Math.round(bytes / seconds))}/s`;
}
