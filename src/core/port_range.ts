/** A range of ports, as `40000-40999`. */

/** The ports from the first to the last, both included. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** Parses `40000-40999`. @throws {SyntaxError} If it is not a range of ports. */
export function parsePortRange(text: string): PortRange {
  const [, from, to] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? [];
  const range = { from: Number(from), to: Number(to) };
  if (isPortRange(range)) return range;
  throw new SyntaxError(`${JSON.stringify(text)} is not a range of ports`);
}

/** Whether both ends are ports, in order. */
function isPortRange({ from, to }: PortRange): boolean {
  return Number.isInteger(from) && Number.isInteger(to) && 0 < from && from <= to && to < 65_536;
}
