/** Says what is being done and how far it is: in one line that changes, or in plain lines. */

import { formatMem } from "../core/resources.ts";

/** Where progress is shown. */
export interface Progress {
  /** Something begins that takes a while. */
  step(text: string): void;
  /** How far a transfer is, in bytes. */
  sent(done: number, total: number): void;
  /** What has been done, in one line that stays. */
  done(text: string): void;
  /** Takes away what is not to stay. */
  clear(): void;
}

/** A bar is not drawn more often than this. */
const REDRAW_MS = 50;

/** How many characters the bar is wide. */
const BAR_WIDTH = 24;

/** Shows nothing. */
export const SILENT: Progress = { step() {}, sent() {}, done() {}, clear() {} };

/** One plain line for each thing that was done. */
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
  /** Whether the line that the cursor is in is this one's: else it may be the program's output. */
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
