/** Random values that can be sent, the same ones for the same seed. */

/** Numbers of at least 0 and less than 1. */
export type Random = () => number;

/** A small generator with 32 bits of state, so that a failure can be repeated from its seed. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function below(random: Random, count: number): number {
  return Math.floor(random() * count);
}

function randomString(random: Random): string {
  const range = [0x80, 0x100, 0x3000, 0x10000][below(random, 4)] ?? 0x80;
  const length = random() < 0.8 ? below(random, 12) : below(random, 300);
  return Array.from({ length }, () => String.fromCharCode(below(random, range))).join("");
}

function randomNumber(random: Random): number {
  const magnitude = 2 ** below(random, 60);
  const number = (random() - 0.5) * magnitude;
  return random() < 0.7 ? Math.round(number) : number;
}

const LEAVES: readonly ((random: Random) => unknown)[] = [
  randomNumber,
  randomString,
  randomString,
  randomNumber,
  (random) => BigInt(Math.round(randomNumber(random))) ** BigInt(below(random, 4)),
  (random) => [undefined, null, true, false, NaN, -0, Infinity][below(random, 7)],
  (random) => new Date(randomNumber(random)),
  (random) =>
    new RegExp(["a+", "[^/]", ""][below(random, 3)] ?? "", ["", "g", "imu"][below(random, 3)]),
  (random) => Object([1, "text", true, 5n][below(random, 4)]),
  (random) => new ArrayBuffer(below(random, 20)),
  (random) => new Uint8Array(new ArrayBuffer(24), below(random, 8), below(random, 16)),
  (random) => new Float64Array(new ArrayBuffer(64), 8 * below(random, 3), below(random, 4)),
  (random) => new RangeError(randomString(random), { cause: randomNumber(random) }),
];

const KEYS = ["a", "b", "id", "name", "0", "17", "__proto__", "length", "ключ", "k".repeat(70)];

/** Any value. The objects in it may occur more than once, and may contain themselves. */
export function randomValue(random: Random): unknown {
  const made: object[] = [];
  const make = (depth: number): unknown => {
    if (made.length > 0 && random() < 0.08) return made[below(random, made.length)];
    if (depth === 0 || random() < 0.4) return LEAVES[below(random, LEAVES.length)]?.(random);
    const size = below(random, random() < 0.1 ? 40 : 5);
    const some = <Item>(item: (index: number) => Item): Item[] =>
      Array.from({ length: size }, (_, index) => item(index));
    const kind = below(random, 6);
    if (kind === 0) {
      const map = new Map<unknown, unknown>();
      made.push(map);
      some(() => map.set(make(depth - 1), make(depth - 1)));
      return map;
    }
    if (kind === 1) {
      const set = new Set<unknown>();
      made.push(set);
      some(() => set.add(make(depth - 1)));
      return set;
    }
    if (kind === 2 || kind === 3) {
      const array: unknown[] = [];
      made.push(array);
      some((index) => {
        if (random() < 0.95) array[index] = make(depth - 1);
      });
      if (random() < 0.1) Object.assign(array, { extra: make(depth - 1) });
      return array;
    }
    const object: Record<string, unknown> = {};
    made.push(object);
    some(() => {
      const key = random() < 0.7 ? KEYS[below(random, KEYS.length)] ?? "" : randomString(random);
      Object.defineProperty(object, key, {
        value: make(depth - 1),
        writable: true,
        enumerable: true,
        configurable: true,
      });
    });
    return object;
  };
  return make(4);
}
