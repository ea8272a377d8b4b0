/** The part of a trace from a time on. */

/** An entry of a trace. Times are in microseconds since the first event of the run. */
export type TraceEntry = Readonly<Record<string, unknown>>;

/** Leaves out what ended before, and the names of rows and groups of which all did. */
export class TracePart {
  readonly #names = new Map<string, TraceEntry[]>();

  /** @param fromUs The time, as entries have it. */
  of(entries: readonly TraceEntry[], fromUs: number): TraceEntry[] {
    return entries.flatMap((entry) => {
      const { ph, pid, tid, ts, dur = 0 } = entry;
      const row = `${pid}/${tid}`;
      if (ph === "M") {
        this.#names.set(row, [...this.#names.get(row) ?? [], entry]);
        return [];
      }
      if (Number(ts) + Number(dur) < fromUs) return [];
      return [...this.#taken(`${pid}/0`), ...this.#taken(row), entry];
    });
  }

  /** The names of a row, once. */
  #taken(row: string): TraceEntry[] {
    const names = this.#names.get(row) ?? [];
    this.#names.delete(row);
    return names;
  }
}
