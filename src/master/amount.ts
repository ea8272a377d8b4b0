/**
 * Resources as the master counts them: in whole numbers, so that sums of them are exact and what is
 * given back is what was given, to the last bit.
 */

import { invalidResource, type Resources } from "../core/resources.ts";

/** Memory and CPU in whole units. */
export interface Amount {
  /** Bytes. */
  readonly mem: number;
  /** Millionths of a core. */
  readonly cpu: number;
}

const MICROS_PER_CORE = 1e6;

/** So near to a whole number, only a double's lack of precision keeps an amount from being one. */
const IMPRECISION = 1e-3;

/**
 * What a request counts as. Memory is rounded up to a whole byte, CPU down to a millionth of a core:
 * so a part of a node, such as a third of a core, fits as often as it should.
 *
 * The result may be infinite, since it may be asked for what no machine has.
 *
 * @throws {RangeError} If one of the two is negative, infinite or not a number.
 */
export function needOf(resources: Readonly<Resources>): Amount {
  check("place a request", resources);
  return { mem: Math.ceil(resources.mem), cpu: microsOf(resources.cpu) };
}

/**
 * What a node counts as, rounded down.
 *
 * @throws {RangeError} If one of the two is negative, not a number, or too large to count exactly.
 */
export function capacityOf(resources: Readonly<Resources>): Amount {
  check("use a node", resources);
  const mem = Math.floor(resources.mem);
  const cpu = microsOf(resources.cpu);
  if (!Number.isSafeInteger(mem) || !Number.isSafeInteger(cpu)) {
    throw new RangeError(
      `Cannot use a node of ${resources.mem} bytes and ${resources.cpu} cores: too large`,
    );
  }
  return { mem, cpu };
}

/** The amount as people know it. */
export function resourcesOf(amount: Amount): Resources {
  return { mem: amount.mem, cpu: amount.cpu / MICROS_PER_CORE };
}

/** Whether `need` is no more than `room` in either dimension. */
export function fits(need: Amount, room: Amount): boolean {
  return need.mem <= room.mem && need.cpu <= room.cpu;
}

function microsOf(cores: number): number {
  return Math.floor(cores * MICROS_PER_CORE + IMPRECISION);
}

function check(what: string, resources: Readonly<Resources>): void {
  const invalid = invalidResource(resources);
  if (invalid !== undefined) throw new RangeError(`Cannot ${what}: ${invalid}`);
}
