/** Hostile inputs: valid ones with changes that a decoder may not expect, and noise. */

type Bytes = Uint8Array<ArrayBuffer>;

/** Gives numbers from 0 to 1, as `Math.random` does. */
export type Random = () => number;

/** Bytes that mean something at the borders of formats: lengths, tags, signs, ends of lines, escapes. */
const BORDERS = [0, 1, 0x0a, 0x1b, 0x22, 0x5b, 0x7b, 0x7f, 0x80, 0xc0, 0xe0, 0xf0, 0xfe, 0xff];

/** The most bytes of noise. */
const MAX_NOISE = 2_000;

/** The most changes of one input. */
const MAX_CHANGES = 4;

/** A whole number from 0 up to `end`, exclusive. */
export function below(end: number, random: Random): number {
  return Math.floor(end * random());
}

/** One of `values`, which are not empty. */
export function oneOf<Value>(values: readonly Value[], random: Random): Value {
  return values[below(values.length, random)]!;
}

/** An input: one in ten is noise, one in ten is valid, all others are valid ones with some changes. */
export function hostile(valid: readonly Bytes[], random: Random): Bytes {
  const kind = below(10, random);
  if (kind === 0) return noise(below(MAX_NOISE, random), random);
  let bytes = oneOf(valid, random).slice();
  if (kind === 1) return bytes;
  for (let left = 1 + below(MAX_CHANGES, random); left > 0; left--) {
    bytes = changed(bytes, valid, random);
  }
  return bytes;
}

function noise(length: number, random: Random): Bytes {
  return Uint8Array.from({ length }, () => below(256, random));
}

function changed(bytes: Bytes, valid: readonly Bytes[], random: Random): Bytes {
  const at = below(bytes.length + 1, random);
  const end = at + below(Math.min(16, bytes.length - at + 1), random);
  switch (below(7, random)) {
    case 0: // a bit
      if (at < bytes.length) bytes[at]! ^= 1 << below(8, random);
      return bytes;
    case 1: // a byte
      if (at < bytes.length) bytes[at] = oneOf(BORDERS, random);
      return bytes;
    case 2: // a length, or any other four bytes
      if (at + 4 <= bytes.length) {
        const value = oneOf([0, 1, 0x7fffffff, 0xffffffff, below(2 ** 32, random)], random);
        new DataView(bytes.buffer, bytes.byteOffset).setUint32(at, value, random() < 0.5);
      }
      return bytes;
    case 3: // cut off
      return bytes.slice(0, at);
    case 4: // without some
      return joined(bytes.subarray(0, at), bytes.subarray(end));
    case 5: // some of it many times
      return joined(
        bytes.subarray(0, end),
        ...Array.from({ length: below(50, random) }, () => bytes.subarray(at, end)),
        bytes.subarray(end),
      );
    default: { // the rest of another one
      const other = oneOf(valid, random);
      return joined(bytes.subarray(0, at), other.subarray(below(other.length + 1, random)));
    }
  }
}

/** All of these, one after the other. */
export function joined(...parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
