/** Shows progress: in one line that changes, or in plain lines. */

import { formatMem } from "../core/resources.ts";
import { visibleLine } from "../core/visible.ts";
import { columnsOf, terminalColumns } from "./columns.ts";

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

/** The bar's width in characters, where there is room for it; with less room than for a short one, there is none. */
const BAR_WIDTH = 24;
const SHORT_BAR_WIDTH = 6;

/** Shows nothing. */
export const SILENT: Progress = { step() {}, sent() {}, done() {}, clear() {} };

/** One plain line for each completed step. */
export function plainProgress(write: (text: string) => void): Progress {
  return { step() {}, sent() {}, done: (text) => write(`${text}\n`), clear() {} };
}

/** One line of a terminal, which is overwritten, and not wider than the terminal. */
export function barProgress(
  write: (text: string) => void,
  nowMs: () => number = () => performance.now(),
  columns: () => number | undefined = terminalColumns,
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
    step: (text) => draw(fitted(`${visibleLine(text)} …`, columns())),
    sent(done, total): void {
      beganMs ??= nowMs();
      if (done < total && nowMs() - drawnMs < REDRAW_MS) return;
      drawnMs = nowMs();
      const seconds = Math.max((nowMs() - beganMs) / 1_000, 0.001);
      const amounts = `${formatMem(done)} of ${formatMem(total)}, ${rate(done, seconds)}`;
      const width = columns();
      const room = width === undefined ? BAR_WIDTH : width - `sending  ${amounts}`.length - 1;
      const bar = barOf(total === 0 ? 1 : done / total, Math.min(BAR_WIDTH, room));
      draw(fitted(`sending ${bar}${amounts}`, width));
    },
    done: (text) => draw(`${visibleLine(text)}\n`),
    clear: () => {
      if (isOwn) draw("");
    },
  };
}

/** A bar and a space, if there is room for it. */
function barOf(part: number, width: number): string {
  if (width < SHORT_BAR_WIDTH) return "";
  const filled = Math.floor(part * width);
  return `${"█".repeat(filled)}${"░".repeat(width - filled)} `;
}

/** `text`, shortened to less than `columns`: many terminals begin another line behind the last column. */
function fitted(text: string, columns = Infinity): string {
  if (columnsOf(text) < columns) return text;
  let short = "";
  for (const character of text) {
    if (columnsOf(short + character) > columns - 2) break;
    short += character;
  }
  return `${short}…`;
}

/** `12 MiB/s`. */
export function rate(bytes: number, seconds: number): string {
  return `${formatMem(Math.round(bytes / seconds))}/s`;
}
