/** An immutable map from Pids: a change makes another map, at little cost. */

import type { Pid } from "../core/pid.ts";

/** The number of parts of a map, one for each value of the first two hex digits. */
const PARTS = 256;

type Part<Value> = ReadonlyMap<Pid, Value>;

/**
 * An immutable map.
 *
 * A Pid begins with random digits, so the entries are spread evenly over 256 parts. A change copies one of
 * these, and the list of them: 0.5 µs with a thousand entries; a copy of all takes 30 µs.
 */
export class PidMap<Value> {
  readonly size: number;
  readonly #parts: readonly (Part<Value> | undefined)[];

  private constructor(size: number, parts: readonly (Part<Value> | undefined)[]) {
    this.size = size;
    this.#parts = parts;
  }

  /** A map without entries. */
  static empty<Value>(): PidMap<Value> {
    return new PidMap<Value>(0, new Array(PARTS).fill(undefined));
  }

  get(pid: Pid): Value | undefined {
    return this.#parts[partOf(pid)]?.get(pid);
  }

  has(pid: Pid): boolean {
    return this.#parts[partOf(pid)]?.has(pid) === true;
  }

  /** This map, with `value` for `pid`. */
  with(pid: Pid, value: Value): PidMap<Value> {
    const size = this.has(pid) ? this.size : this.size + 1;
    return this.#changed(size, pid, (part) => part.set(pid, value));
  }

  /** This map without `pid`. */
  without(pid: Pid): PidMap<Value> {
    if (!this.has(pid)) return this;
    return this.#changed(this.size - 1, pid, (part) => part.delete(pid));
  }

  /** All values, in no particular order. */
  *values(): Generator<Value> {
    for (const part of this.#parts) if (part !== undefined) yield* part.values();
  }

  #changed(size: number, pid: Pid, change: (part: Map<Pid, Value>) => void): PidMap<Value> {
    const at = partOf(pid);
    const part = new Map(this.#parts[at]);
    change(part);
    const parts = this.#parts.slice();
    parts[at] = part.size === 0 ? undefined : part;
    return new PidMap(size, parts);
  }
}

function partOf(pid: Pid): number {
  return digit(pid.charCodeAt(0)) * 16 + digit(pid.charCodeAt(1));
}

/** The value of a lower-case hex digit, as the digits of a Pid are. */
function digit(code: number): number {
  return code < 0x40 ? code - 0x30 : code - 0x57;
}
