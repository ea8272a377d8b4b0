/** Which rows of a long list are on the screen. */

/** The rows from `first` up to, and without, `end`. */
export interface RowWindow {
  readonly first: number;
  readonly end: number;
}

/** Rows above and below what is seen, so that scrolling shows no gap. */
const BEYOND = 8;

export function windowOf(
  { top, height, rowHeight, count }: {
    /** How far it is scrolled, in pixels. */
    readonly top: number;
    /** How much of it is seen. */
    readonly height: number;
    readonly rowHeight: number;
    readonly count: number;
  },
): RowWindow {
  const first = Math.floor(top / rowHeight) - BEYOND;
  const end = Math.ceil((top + height) / rowHeight) + BEYOND;
  const within = (row: number) => Math.min(Math.max(row, 0), count);
  return { first: within(first), end: within(end) };
}
