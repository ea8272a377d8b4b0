/** Tables for people: columns with a heading, no wider than the terminal. */

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
  const all = [headings, ...rows];
  const widths = headings.map((_, column) =>
    Math.max(...all.map((row) => [...row[column] ?? ""].length))
  );
  return all.map((row) => {
    const cells = row.map((cell, column) =>
      column === headings.length - 1 ? cell : cell + " ".repeat(widths[column]! - [...cell].length)
    );
    const line = cells.join(GAP).trimEnd();
    const characters = [...line];
    return width === undefined || characters.length <= width
      ? line
      : `${characters.slice(0, Math.max(0, width - 1)).join("")}…`;
  });
}

/** How long ago, for people: `4s`, `12m`, `3h`, `2d`. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
