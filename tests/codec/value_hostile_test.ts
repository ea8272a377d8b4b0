/** Malformed bytes are refused at no cost. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { ProtocolError } from "../../src/core/errors.ts";
import { decode } from "../../src/codec/value_decoder.ts";
import { encode } from "../../src/codec/value_encoder.ts";
import * as tag from "../../src/codec/value_tags.ts";
import { type Random, randomValue, seededRandom } from "./value_generator.ts";

const LARGE = [0xff, 0xff, 0xff, 0xff, 0x0f];
const text = (value: string): number[] => [...encode(value).subarray(1)];

const MALFORMED: Record<string, readonly number[]> = {
  "nothing": [],
  "a header alone": [tag.PLAIN],
  "an unknown header": [2, 1],
  "trailing bytes": [tag.PLAIN, 1, 1],
  "an unknown tag": [tag.PLAIN, 0xdf],
  "the last unknown tag": [tag.PLAIN, 0xff],
  "END for a value": [tag.PLAIN, tag.END],
  "REST for a value": [tag.PLAIN, tag.REST, 0],
  "a string that is cut off": [tag.PLAIN, tag.LATIN1 + 3, 65, 66],
  "a string with a huge length": [tag.PLAIN, tag.UTF8, 0xff, 0xff, 0xff, 0xff],
  "a UTF-16 string with a huge length": [tag.PLAIN, tag.UTF16, ...LARGE],
  "a string that is not UTF-8": [tag.PLAIN, tag.UTF8, 2, 0, 0, 0, 0xc3, 0x28],
  "a count without end": [tag.PLAIN, tag.BUFFER, ...new Array<number>(20).fill(0xff)],
  "a buffer with a huge length": [tag.PLAIN, tag.BUFFER, ...LARGE],
  "an array with a huge length": [tag.PLAIN, tag.ARRAY_LONG, ...LARGE],
  "an array longer than 2³²": [
    tag.PLAIN,
    tag.ARRAY_MORE,
    0x80,
    0x80,
    0x80,
    0x80,
    0x10,
    tag.REST,
    0,
  ],
  "an array with more elements than its length": [tag.PLAIN, tag.ARRAY_MORE, 1, 1, 2, tag.REST, 0],
  "an array with a second length": [
    tag.PLAIN,
    tag.ARRAY_MORE,
    0,
    tag.REST,
    1,
    6,
    ...text("length").slice(1),
    9,
  ],
  "an object with a huge count": [tag.PLAIN, tag.OBJECT_LONG, ...LARGE],
  "an object with a number as key": [tag.PLAIN, tag.OBJECT + 1, tag.LONG_KEY, 1, 1],
  "a key that is too long": [tag.PLAIN, tag.OBJECT + 1, 200, ...new Array<number>(201).fill(65)],
  "a map without end": [tag.PLAIN, tag.MAP, 1, 1],
  "a map with a key alone": [tag.PLAIN, tag.MAP, 1, tag.END],
  "a reference in a message without": [tag.PLAIN, tag.ARRAY + 1, tag.REF, 0],
  "a reference to what comes later": [tag.SHARED, tag.ARRAY + 2, tag.REF, 1, tag.ARRAY],
  "a reference with nothing before it": [tag.SHARED, tag.REF, 0],
  "a view whose buffer is the view": [tag.SHARED, tag.WHOLE_VIEW, 0, tag.REF, 0],
  "a huge reference": [tag.SHARED, tag.ARRAY + 1, tag.REF, ...LARGE],
  "a shape that does not exist": [tag.PLAIN, tag.SAME_SHAPE],
  "a shape within itself": [tag.PLAIN, tag.OBJECT + 1, 1, 65, tag.SAME_SHAPE],
  "a bigint of other digits": [tag.PLAIN, tag.BIGINT, ...text("0x1")],
  "a bigint without digits": [tag.PLAIN, tag.BIGINT, ...text("-")],
  "a bigint of a number": [tag.PLAIN, tag.BIGINT, 1],
  "a regular expression that is none": [tag.PLAIN, tag.REGEXP, ...text("("), ...text("")],
  "flags that are none": [tag.PLAIN, tag.REGEXP, ...text("a"), ...text("gg")],
  "a view of an unknown kind": [tag.PLAIN, tag.WHOLE_VIEW, 13, tag.BUFFER, 0],
  "a view that is not aligned": [tag.PLAIN, tag.WHOLE_VIEW, 3, tag.BUFFER, 1, 0],
  "a view outside of its buffer": [tag.PLAIN, tag.VIEW, 0, 2, 1, tag.BUFFER, 2, 0, 0],
  "a view of no buffer": [tag.PLAIN, tag.WHOLE_VIEW, 0, tag.OBJECT],
  "a resizable buffer larger than its maximum": [tag.PLAIN, tag.RESIZABLE_BUFFER, 0, 1, 0],
  "a resizable buffer of a petabyte": [
    tag.PLAIN,
    tag.RESIZABLE_BUFFER,
    0x80,
    0x80,
    0x80,
    0x80,
    0x80,
    0x80,
    0x80,
    1,
    0,
  ],
  "an error of an unknown kind": [tag.PLAIN, tag.ERROR, 8, 0],
  "an error with unknown flags": [tag.PLAIN, tag.ERROR, 0, 16],
  "an error whose message is a number": [tag.PLAIN, tag.ERROR, 0, tag.HAS_MESSAGE, 1],
  "a wrapper of an object": [tag.PLAIN, tag.BOXED, tag.OBJECT],
  "a wrapper of null": [tag.PLAIN, tag.BOXED, tag.NULL],
};

for (const [name, bytes] of Object.entries(MALFORMED)) {
  Deno.test(`decode() refuses ${name}`, () => {
    assertThrows(() => decode(Uint8Array.from(bytes)), ProtocolError);
    // Bytes after the end are not part of the message.
    const padded = Uint8Array.from([0, ...bytes, ...new Array<number>(300).fill(tag.NULL)]);
    assertThrows(() => decode(padded, 1, 1 + bytes.length), ProtocolError);
  });
}

Deno.test("decode() refuses every truncated message, and every one with trailing bytes", () => {
  const value = {
    a: [1, "text", { b: 1.5 }],
    m: new Map([[1, new Date(0)]]),
    e: new Error("x"),
    n: 9n ** 99n,
  };
  const bytes = encode([value, value, new Uint8Array(9), [, 1], "€".repeat(70)]);
  for (let end = 0; end < bytes.length; end++) {
    assertThrows(() => decode(bytes, 0, end), ProtocolError, "", `cut at ${end}`);
  }
  assertThrows(() => decode(Uint8Array.from([...bytes, 0])), ProtocolError);
});

Deno.test("decode() throws RangeError for a range outside its bytes", () => {
  const bytes = encode(1);
  for (const [start, end] of [[-1, 1], [0, 3], [2, 1], [NaN, 1]] as const) {
    assertThrows(() => decode(bytes, start, end), RangeError);
  }
});

Deno.test("decode() refuses too deep nesting of any kind, and takes what encode() may write", () => {
  const wrappers: Record<string, [open: number[], close: number[]]> = {
    array: [[tag.ARRAY + 1], []],
    object: [[tag.OBJECT + 1, 1, 65], []],
    map: [[tag.MAP, 1], [tag.END]],
    mapKey: [[tag.MAP], [1, tag.END]],
    set: [[tag.SET], [tag.END]],
    error: [[tag.ERROR, 0, tag.HAS_CAUSE], []],
    rest: [[tag.ARRAY_MORE, 0, tag.REST, 1, 1, 65], []],
  };
  for (const [name, [open, close]] of Object.entries(wrappers)) {
    const nested = (levels: number): Uint8Array<ArrayBuffer> =>
      Uint8Array.from([
        tag.PLAIN,
        ...Array.from({ length: levels }, () => open).flat(),
        1,
        ...Array.from({ length: levels }, () => close).flat(),
      ]);
    decode(nested(tag.MAX_DEPTH));
    for (const levels of [tag.MAX_DEPTH + 1, 20_000]) {
      assertThrows(() => decode(nested(levels)), ProtocolError, "", name);
    }
  }
  for (const byte of [tag.BOXED, tag.BIGINT, tag.REGEXP, tag.WHOLE_VIEW, tag.DOM_EXCEPTION]) {
    const bytes = new Uint8Array(100_000).fill(byte);
    bytes[0] = tag.PLAIN;
    assertThrows(() => decode(bytes), ProtocolError, "", `tag ${byte}`);
  }
});

Deno.test("decode() allocates nothing for the holes of an array", () => {
  const sparse = [tag.ARRAY_MORE, 0x80, 0x80, 0x80, 0x0f, tag.REST, 0];
  const count = 100;
  const before = Deno.memoryUsage().heapUsed;
  const arrays = decode(
    Uint8Array.from([
      tag.PLAIN,
      tag.ARRAY_LONG,
      count,
      ...Array.from({ length: count }, () => sparse).flat(),
    ]),
  ) as unknown[][];
  assertEquals(arrays.every((array) => array.length === 15 * 2 ** 21), true);
  // If memory were allocated for the holes, each array would take more than 100 MB.
  assertEquals(Deno.memoryUsage().heapUsed - before < 50e6, true);
});

/** Decodes or refuses; anything else fails the test. */
function decodeHostile(bytes: Uint8Array<ArrayBuffer>, note: string): void {
  try {
    decode(bytes);
  } catch (error) {
    if (!(error instanceof ProtocolError)) {
      throw new Error(`${note}: [${bytes.join()}]`, { cause: error });
    }
  }
}

function mutate(bytes: Uint8Array<ArrayBuffer>, random: Random): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(bytes);
  const at = (): number => Math.floor(random() * copy.length);
  for (let changes = Math.floor(random() * 4); changes >= 0; changes--) {
    const kind = random();
    if (kind < 0.4) copy[at()] = Math.floor(random() * 256);
    else if (kind < 0.6) copy[at()] = 0xc0 + Math.floor(random() * 0x40);
    else if (kind < 0.8) copy.copyWithin(at(), at(), at());
    else copy[at()] = 0xff;
  }
  return random() < 0.2 ? copy.subarray(0, at()) : copy;
}

Deno.test("decode() throws nothing but ProtocolError for random bytes", () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const random = seededRandom(seed);
  for (let round = 0; round < 30_000; round++) {
    const tags = random() < 0.5;
    const bytes = Uint8Array.from(
      { length: 1 + Math.floor(random() * 60) },
      () =>
        tags && random() < 0.6 ? 0x80 + Math.floor(random() * 0x70) : Math.floor(random() * 256),
    );
    bytes[0] = round % 2;
    decodeHostile(bytes, `seed ${seed}, round ${round}`);
  }
});

Deno.test("decode() throws nothing but ProtocolError for messages with errors in them", () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const random = seededRandom(seed);
  for (let round = 0; round < 1000; round++) {
    const bytes = encode(randomValue(random));
    for (let variant = 0; variant < 20; variant++) {
      decodeHostile(mutate(bytes, random), `seed ${seed}, round ${round}`);
    }
  }
});
