/** The objects of the message that is being encoded, and their shapes, for references to them. */

import { writeCount, writeTag } from "./value_output.ts";
import { MAX_SHAPES, REF } from "./value_tags.ts";

/** Up to this many objects, a linear search is faster than a `Map`. */
const SCANNED = 64;

/** The first objects, by number; once there are more, all are in `numbers`. */
let scanned: unknown[] = [];
let numbers: Map<unknown, number> | undefined;
let count = 0;

/** Whether there are references. */
let shared = false;

let shapes: (readonly string[])[] = [];
let shapeCount = 0;

/** The number of an object that occurred before, or -1. */
export function knownNumber(value: object): number {
  if (numbers !== undefined) return numbers.get(value) ?? -1;
  for (let number = 0; number < count; number++) {
    if (scanned[number] === value) return number;
  }
  return -1;
}

/** Writes a reference to the object with that number. */
export function writeReference(number: number, at: number): number {
  shared = true;
  return writeCount(number, writeTag(REF, at));
}

/** Whether references were written. */
export function isShared(): boolean {
  return shared;
}

/** Assigns the next number to an object. */
export function addNumber(value: object): void {
  if (count < SCANNED) {
    scanned[count++] = value;
    return;
  }
  numbers ??= new Map(scanned.map((object, number) => [object, number]));
  numbers.set(value, count++);
}

/** The number of the first shape with exactly these keys, or -1. */
export function knownShape(keys: readonly string[]): number {
  for (let number = 0; number < shapeCount; number++) {
    const shape = shapes[number] as readonly string[];
    if (shape.length !== keys.length) continue;
    let index = 0;
    while (index < keys.length && shape[index] === keys[index]) index++;
    if (index === keys.length) return number;
  }
  return -1;
}

/** Assigns the next number to the shape of an object that was written in full. */
export function addShape(keys: readonly string[]): void {
  if (shapeCount < MAX_SHAPES) shapes[shapeCount++] = keys;
}

/** Clears the state, so that no object of the message is kept alive. */
export function forget(): void {
  for (let number = Math.min(count, SCANNED) - 1; number >= 0; number--) {
    scanned[number] = undefined;
  }
  numbers = undefined;
  count = 0;
  shared = false;
  shapeCount = 0;
}

/** Saves and clears the state, for a nested message; returns a function that restores it. */
export function setAside(): () => void {
  const outer = { scanned, numbers, count, shared, shapes, shapeCount };
  scanned = [];
  numbers = undefined;
  count = 0;
  shared = false;
  shapes = [];
  shapeCount = 0;
  return () => ({ scanned, numbers, count, shared, shapes, shapeCount } = outer);
}
