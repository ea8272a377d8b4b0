/** The exit statuses of a run's ended processes, in little memory. */

import type { EndStatus } from "./exit_status.ts";
import type { Pid } from "./pid.ts";

/** The minimum number of ended processes of a run that are kept: the latest ones. */
const REMEMBERED = 1_000_000;

/** The initial capacity of a generation. */
const FIRST_SLOTS = 64;

/** The maximum load of a table. */
const MAX_LOAD = 0.75;

/** The maximum number of different statuses in a generation. */
const MAX_STATUSES = 65_535;

/** The empty slot; others hold the index of a status, plus one. */
const EMPTY = 0;

/**
 * Keeps the exit statuses of the latest processes: at least a million, and at most twice as many.
 *
 * A Pid is represented by 64 bits made of its 128 random ones: two of ten million processes collide in one of
 * 400,000 runs. A process takes 13 to 27 bytes, whatever its status, and all together take less
 * than 45 MB. There are two generations: when the younger one is full, the older one is dropped.
 */
export class EndedProcesses {
  readonly #limit: number;
  #young = new Generation();
  #old = new Generation();

  /** @param limit The minimum number that are kept. */
  constructor(limit: number = REMEMBERED) {
    this.#limit = limit;
  }

  /** The memory used by its tables. */
  get bytes(): number {
    return this.#young.bytes + this.#old.bytes;
  }

  /** Adds an ended process. */
  add(pid: Pid, status: EndStatus): void {
    if (this.#young.size >= this.#limit || !this.#young.add(pid, status)) {
      this.#old = this.#young;
      this.#young = new Generation();
      this.#young.add(pid, status);
    }
  }

  /** How a process ended; `undefined` if it has not, or was dropped. */
  get(pid: Pid): EndStatus | undefined {
    return this.#young.get(pid) ?? this.#old.get(pid);
  }

  /** Whether it is known that a process has ended. */
  has(pid: Pid): boolean {
    return this.get(pid) !== undefined;
  }
}

/** A hash table with open addressing and linear probing. */
class Generation {
  size = 0;
  #mask = FIRST_SLOTS - 1;
  /** For each slot the two halves of the 64 bits of its Pid. */
  #keys = new Uint32Array(2 * FIRST_SLOTS);
  #values = new Uint16Array(FIRST_SLOTS);
  readonly #statuses: EndStatus[] = [];
  /** The index in the list of each status, by its text. */
  readonly #indices = new Map<string, number>();

  get bytes(): number {
    return this.#keys.byteLength + this.#values.byteLength;
  }

  /** Returns `false`, and adds nothing, if there is no room for another status. */
  add(pid: Pid, status: EndStatus): boolean {
    const index = this.#indexOf(status);
    if (index === undefined) return false;
    if (this.size + 1 > MAX_LOAD * this.#values.length) this.#grow();
    const [high, low] = keyOf(pid);
    const slot = this.#slot(high, low);
    if (this.#values[slot] === EMPTY) this.size++;
    this.#put(slot, high, low, index + 1);
    return true;
  }

  get(pid: Pid): EndStatus | undefined {
    const [high, low] = keyOf(pid);
    const value = this.#values[this.#slot(high, low)]!;
    return value === EMPTY ? undefined : this.#statuses[value - 1];
  }

  #indexOf(status: EndStatus): number | undefined {
    const text = JSON.stringify(status);
    const known = this.#indices.get(text);
    if (known !== undefined) return known;
    if (this.#statuses.length === MAX_STATUSES) return undefined;
    this.#indices.set(text, this.#statuses.length);
    return this.#statuses.push(status) - 1;
  }

  /** The slot of the key, or the free one where it belongs. */
  #slot(high: number, low: number): number {
    let slot = low & this.#mask;
    while (
      this.#values[slot] !== EMPTY &&
      (this.#keys[2 * slot] !== high || this.#keys[2 * slot + 1] !== low)
    ) slot = (slot + 1) & this.#mask;
    return slot;
  }

  #put(slot: number, high: number, low: number, value: number): void {
    this.#keys[2 * slot] = high;
    this.#keys[2 * slot + 1] = low;
    this.#values[slot] = value;
  }

  #grow(): void {
    const [keys, values] = [this.#keys, this.#values];
    const slots = 2 * values.length;
    this.#mask = slots - 1;
    this.#keys = new Uint32Array(2 * slots);
    this.#values = new Uint16Array(slots);
    for (let at = 0; at < values.length; at++) {
      if (values[at] === EMPTY) continue;
      const [high, low] = [keys[2 * at]!, keys[2 * at + 1]!];
      this.#put(this.#slot(high, low), high, low, values[at]!);
    }
  }
}

/** 64 bits from the 128 that a Pid begins with. */
function keyOf(pid: Pid): [high: number, low: number] {
  const word = (at: number) => parseInt(pid.slice(at, at + 8), 16);
  return [
    (word(0) + Math.imul(word(16), 0x9e3779b1)) >>> 0,
    (word(8) + Math.imul(word(24), 0x85ebca6b)) >>> 0,
  ];
}
