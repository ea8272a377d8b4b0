/**
 * Resources as the master counts them: in whole numbers, so that sums are exact and a release gives
 * back exactly what was granted.
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

/** An amount this close to a whole number is taken as that number: the rest is a rounding error. */
const IMPRECISION = 1e-3;

/**
 * The amount that a request counts as. Memory is rounded up to a byte, CPU down to a millionth of a core:
 * so a part of a node, such as a third of a core, fits as often as it should.
 *
 * The result may be infinite: a request may be larger than any machine.
 *
 * @throws {RangeError} If one of the two is negative, infinite or not a number.
 */
export function needOf(resources: Readonly<Resources>): Amount {
  check("place a request", resources);
  return { mem: Math.ceil(resources.mem), cpu: microsOf(resources.cpu) };
}

/**
 * The amount that a node counts as, rounded down.
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

/** The amount as resources. */
export function resourcesOf(amount: Amount): Resources {
  return { mem: amount.mem, cpu: amount.cpu / MICROS_PER_CORE };
}

/** Whether `need` is at most `room` in both dimensions. */
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
