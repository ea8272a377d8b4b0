/** Tables for people: columns with a heading, no wider than the terminal. */

import { visibleLine } from "../core/visible.ts";
import { columnsOf } from "./columns.ts";

/** What stands between two columns. */
const GAP = "  ";

/**
 * The lines of a table, with its headings first.
 *
 * @param width The width of the terminal: the last column is cut there. `undefined`: lines are not cut, as
 * for a pipe.
 */
export function tableLines(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  width: number | undefined,
): string[] {
  // Names are chosen by others.
  const all = [headings, ...rows].map((row) => row.map(visibleLine));
  const widths = headings.map((_, column) =>
    Math.max(...all.map((row) => columnsOf(row[column] ?? "")))
  );
  return all.map((row) => {
    const cells = row.map((cell, column) =>
      column === headings.length - 1 ? cell : cell + " ".repeat(widths[column]! - columnsOf(cell))
    );
    const line = cells.join(GAP).trimEnd();
    return width === undefined || columnsOf(line) <= width ? line : `${cut(line, width - 1)}…`;
  });
}

/** As much of a text as takes at most so many columns. */
function cut(text: string, columns: number): string {
  let shown = "";
  let left = columns;
  for (const character of text) {
    left -= columnsOf(character);
    if (left < 0) break;
    shown += character;
  }
  return shown;
}

/** How long ago, for people: `4s`, `12m`, `3h`, `2d`. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
