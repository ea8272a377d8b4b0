/** Round trips: tables, and random values compared with `structuredClone()`. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertThrows } from "@std/assert";
import { decode } from "../../src/codec/value_decoder.ts";
import { type BlobHole, fillHoles, largestBuffer } from "../../src/codec/value_buffers.ts";
import { encode, encodeInto, encodeWithHoles } from "../../src/codec/value_encoder.ts";
import { randomValue, seededRandom } from "./value_generator.ts";

function roundTrip<Value>(value: Value): Value {
  return decode(encode(value)) as Value;
}

/** How often the buffers of a value occur in it, as themselves or below different views. */
function countBuffers(
  value: unknown,
  counts: Map<unknown, number> = new Map(),
  seen: Set<unknown> = new Set(),
): Map<unknown, number> {
  if (typeof value !== "object" || value === null || seen.has(value)) return counts;
  seen.add(value);
  const buffer = ArrayBuffer.isView(value) ? value.buffer : value;
  if (buffer instanceof ArrayBuffer) counts.set(buffer, (counts.get(buffer) ?? 0) + 1);
  else {
    const inner = value instanceof Map
      ? [...value].flat()
      : value instanceof Set
      ? [...value]
      : [...Object.values(value), value instanceof Error ? value.cause : undefined];
    for (const each of inner) countBuffers(each, counts, seen);
  }
  return counts;
}

/**
 * A text that differs for two values if they differ in anything that is kept. Of views for which
 * `viewsOnly` is true, only the visible bytes count.
 */
function describe(
  value: unknown,
  viewsOnly: (view: ArrayBufferView) => boolean,
  seen: Map<unknown, number> = new Map(),
): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "-0" : `${value}`;
  const known = seen.get(value);
  if (known !== undefined) return `#${known}`;
  seen.set(value, seen.size);
  const inner = (value: unknown): string => describe(value, viewsOnly, seen);
  const name = Object.getPrototypeOf(value)?.constructor.name ?? "null";
  if (value instanceof Map) return `Map(${[...value].flat().map(inner)})`;
  if (value instanceof Set) return `Set(${[...value].map(inner)})`;
  if (value instanceof Date) return `Date(${value.getTime()})`;
  if (value instanceof RegExp) return `${value} at ${value.lastIndex}`;
  if (value instanceof ArrayBuffer) {
    return `${name}(${new Uint8Array(value)}, ${value.resizable}, ${value.maxByteLength})`;
  }
  if (ArrayBuffer.isView(value) && viewsOnly(value)) {
    const { buffer, byteOffset, byteLength } = value;
    return `${name}(${new Uint8Array(buffer, byteOffset, byteLength)})`;
  }
  if (ArrayBuffer.isView(value)) {
    return `${name}(${value.byteOffset}, ${value.byteLength}, ${inner(value.buffer)})`;
  }
  if (value instanceof Error) {
    const cause = "cause" in value ? inner(value.cause) : "none";
    return `${name}(${value.name}, ${JSON.stringify(value.message)}, ${value.stack}, ${cause}, ` +
      `${Object.hasOwn(value, "message")})`;
  }
  if (/^(Number|String|Boolean|BigInt)$/.test(name)) return `${name}(${inner(value.valueOf())})`;
  const entries = Object.entries(value).map(([key, item]) =>
    `${JSON.stringify(key)}:${inner(item)}`
  );
  return `${name}{${Array.isArray(value) ? `${value.length};` : ""}${entries}}`;
}

function assertSame(actual: unknown, expected: unknown, message = "", viewsOnly = false): void {
  const text = (value: unknown) => {
    const counts = countBuffers(value);
    const isAlone = (view: ArrayBufferView) =>
      counts.get(view.buffer) === 1 && !(view.buffer as ArrayBuffer).resizable &&
      !(view instanceof DataView);
    return describe(value, (view) => viewsOnly || isAlone(view));
  };
  const [found, wanted] = [text(actual), text(expected)];
  if (found === wanted) return;
  // Only from the first difference on: random values are long.
  let at = 0;
  while (found[at] === wanted[at]) at++;
  const part = (text: string): string => text.slice(Math.max(0, at - 40), at + 40);
  assertEquals(part(found), part(wanted), message);
}

const shared = { a: [1, 2] };
const cycle: Record<string, unknown> = { shared, again: [shared, shared.a] };
cycle["self"] = cycle;
const buffer = Uint8Array.from({ length: 64 }, (_, index) => index).buffer;
class Point {
  x = 1;
  y = 2;
  get sum(): number {
    return this.x + this.y;
  }
}
class NamedError extends TypeError {
  override name = "NamedError";
}

const VALUES: Record<string, unknown> = {
  "primitives": [undefined, null, true, false],
  "integers": [0, 1, 127, 128, 255, 256, 32_767, 32_768, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 53],
  "negative integers": [-1, -32, -128, -129, -32_768, -32_769, -(2 ** 31), -(2 ** 31) - 1],
  "other numbers": [-0, NaN, Infinity, -Infinity, 0.1, -1.5, Number.MIN_VALUE, Number.MAX_VALUE],
  "bigints": [0n, 1n, -1n, 2n ** 31n, -(2n ** 31n), 2n ** 32n, 2n ** 63n - 1n, -(2n ** 63n)],
  "large bigints": [2n ** 63n, -(2n ** 63n) - 1n, 2n ** 64n, -(2n ** 200n), 10n ** 300n],
  "strings of every length": Array.from({ length: 200 }, (_, length) => "s".repeat(length)),
  "Latin-1 of every length": Array.from({ length: 200 }, (_, length) => "é".repeat(length)),
  "wide strings of every length": Array.from({ length: 200 }, (_, length) => "€".repeat(length)),
  "astral strings": [
    "😀",
    "a😀".repeat(100),
    "\u0000",
    "\ufeffmark".repeat(20),
    "\ufffd".repeat(99),
  ],
  "lone surrogates": ["\ud800", "a\udc00b", "\udc00\ud800".repeat(100), `${"x".repeat(99)}\ud83d`],
  "long strings": ["x".repeat(100_000), "€".repeat(50_000), `${"x".repeat(70_000)}\ud800`],
  "dates": [new Date(0), new Date(-1.5e12), new Date(NaN)],
  "regular expressions": [/a[/]b/giu, /(?:)/, new RegExp("\\d+", "dsy")],
  "maps": [new Map(), new Map<unknown, unknown>([[1, "a"], [{ k: 1 }, new Map([[NaN, 0]])]])],
  "sets": [new Set(), new Set<unknown>([1, "1", null, { a: new Set([1]) }])],
  "arrays": [[], [[]], [1, [2, [3]]], Array.from({ length: 2000 }, (_, index) => index * 100)],
  "holes": [[, 1], [1, , 3], [1, 2, ,], new Array(5), Object.assign([], { 3_000_000: 1 })],
  "arrays with properties": [Object.assign([1, 2], { name: "x", "-1": 2 }), /(?<a>.)/.exec("b")],
  "as many holes as properties": [
    Object.assign([1, , 3], { name: "x" }),
    Object.assign([,], { x: 1 }),
  ],
  "plain objects": [{}, { a: 1 }, { 2: "two", 1: "one", b: undefined, "": 0, "ключ": 1, "é": 2 }],
  "long keys": {
    ["k".repeat(64)]: 1,
    ["k".repeat(65)]: 2,
    ["é".repeat(40)]: 3,
    ["€".repeat(99)]: 4,
  },
  "many keys": Object.fromEntries(
    Array.from({ length: 500 }, (_, index) => [`key${index}`, index]),
  ),
  "objects of one shape": Array.from({ length: 50 }, (_, id) => ({ id, at: { x: id, y: { id } } })),
  "objects of many shapes": Array.from({ length: 40 }, (_, id) => ({ [`k${id % 20}`]: { id } })),
  "a key named __proto__": JSON.parse(`[{"__proto__":{"a":1}},{"__proto__":{"a":2}}]`),
  "no prototype": Object.assign(Object.create(null), { a: 1 }),
  "inherited properties": Object.assign(Object.create({ inherited: 1 }), { own: 2 }),
  "instances": [new Point(), new (class extends Map<number, number> {})([[1, 2]])],
  "pretenders": [
    Object.create(Map.prototype),
    Object.create(Date.prototype),
    Object.create(Error.prototype),
  ],
  "cycles and shared references": cycle,
  "many shared references": Array.from(
    { length: 300 },
    (_, index) => index % 2 ? { index } : shared,
  ),
  "buffers": [buffer, new ArrayBuffer(0), new ArrayBuffer(8, { maxByteLength: 100 })],
  "views that share a buffer": [
    new Uint8Array(buffer),
    new Uint8Array(buffer, 3, 5),
    new Int16Array(buffer, 2),
    new Float64Array(buffer, 8, 2),
    new DataView(buffer, 1, 9),
    new DataView(buffer),
    buffer,
  ],
  "every kind of view": [
    Int8Array.of(-1),
    Uint8ClampedArray.of(255),
    Uint16Array.of(1, 2),
    Int32Array.of(-5),
    Uint32Array.of(7),
    Float32Array.of(0.5),
    BigInt64Array.of(-1n),
    BigUint64Array.of(1n),
    new Float16Array([1.5]),
  ],
  "a view met before its buffer's other names": (() => {
    const view = new Uint8Array(4);
    return { view, buffer: view.buffer, again: view };
  })(),
  "errors": [
    new Error("plain"),
    new Error(),
    new RangeError("range", { cause: { deep: new SyntaxError("inner") } }),
    new NamedError("named"),
    new Error("undefined cause", { cause: undefined }),
    Object.assign(new URIError("extra"), { code: 1 }),
    Object.assign(new Error(), { message: 5 }),
  ],
  "boxed primitives": [Object(1), Object("s"), Object(false), Object(2n), Object(-0)],
  "boxed primitives with properties": Object.assign(Object(1), { lost: 1 }),
};

for (const [name, value] of Object.entries(VALUES)) {
  Deno.test(`decode() gives what structuredClone() gives for ${name}`, () => {
    assertSame(roundTrip(value), structuredClone(value));
  });
}

Deno.test("a typed array that has its buffer to itself is sent without the rest of the buffer", () => {
  const large = new Uint8Array(100_000).map((_, index) => index);
  const alone = { before: 1, view: new Uint16Array(large.buffer, 500, 2), after: [1, 2] };
  const bytes = encode(alone);
  assert(bytes.length < 100, `${bytes.length} bytes`);
  const copy = decode(bytes) as typeof alone;
  assertEquals(copy, alone);
  assertEquals([copy.view.byteOffset, copy.view.buffer.byteLength], [0, 4]);
  const target = new Uint8Array(100);
  assertEquals(encodeInto(alone, target, 0), bytes.length);
  const data = decode(encode(new DataView(large.buffer, 500, 2))) as DataView;
  assertEquals([data.byteOffset, data.buffer.byteLength], [500, 100_000], "a DataView shows it");
  const again = decode(encode({ view: alone.view, twice: alone.view })) as Record<string, unknown>;
  assertEquals(again["view"] === again["twice"], true);
});

Deno.test("views that share a buffer, and a buffer and its view, share it afterwards", () => {
  const { buffer } = Uint8Array.of(0, 1, 2, 3, 4, 5);
  const [low, high] = [new Uint8Array(buffer, 0, 3), new Uint8Array(buffer, 2, 4)];
  const table = [[low, high], [low, "text", { high }], [low, buffer], [buffer, low], [
    [low],
    buffer,
  ]];
  for (const value of table) {
    const copy = roundTrip(value);
    assertSame(copy, value);
    const buffers = new Set(countBuffers(copy).keys());
    assertEquals(buffers.size, 1, describe(copy, () => false));
  }
});

Deno.test("decode() gives blobs and files, once their contents are read", async () => {
  const blob = new Blob(["some ", "text"], { type: "text/plain" });
  const file = new File([Uint8Array.of(0, 255)], "ä.bin", { lastModified: 5, type: "a/b" });
  const part = new Uint8Array(100).subarray(3, 5);
  const value = { blob, list: [file, blob], empty: new Blob(), part, whole: part.buffer };
  const missing: BlobHole[] = [];
  const bytes = encodeWithHoles(value, 7, missing);
  await fillHoles(bytes, missing);
  const copy = decode(bytes) as typeof value;
  assertEquals([copy.blob.type, await copy.blob.text()], ["text/plain", "some text"]);
  const [sent] = copy.list as [File];
  assertEquals(sent instanceof File, true);
  assertEquals([sent.name, sent.lastModified, sent.type], ["ä.bin", 5, "a/b"]);
  assertEquals(await sent.bytes(), Uint8Array.of(0, 255));
  assertEquals(copy.list[1] === copy.blob, true);
  assertEquals([copy.empty.size, copy.empty instanceof File], [0, false]);
  assertEquals(encodeInto(value, new Uint8Array(1_000), 0), -1);
  assertThrows(() => encode([file]), TypeError, "only a Sender's values and the argument of spawn");
});

Deno.test("decode() keeps what structuredClone() loses", () => {
  const aggregate = roundTrip(new AggregateError([1, new TypeError("t")], "many"));
  assertEquals(aggregate instanceof AggregateError, true);
  assertEquals(aggregate.message, "many");
  assertSame(aggregate.errors[0], 1);
  assertEquals(aggregate.errors[1] instanceof TypeError, true);
  const dom = new DOMException("stop", "AbortError");
  const copy = roundTrip(dom);
  assertEquals(copy instanceof DOMException, true);
  assertEquals([copy.name, copy.message, copy.code], ["AbortError", "stop", 20]);
  assertEquals(copy.stack, dom.stack);
});

Deno.test("decode() keeps a cycle through the cause of an error and through Map and Set", () => {
  const error: Error = new Error("loop");
  error.cause = new Map<unknown, unknown>([["set", new Set([error])]]);
  const copy = roundTrip(error);
  assertEquals([...(copy.cause as Map<string, Set<Error>>).get("set") ?? []][0] === copy, true);
});

Deno.test("decode() gives views that track their resizable buffers, if the originals did", () => {
  const buffer = new ArrayBuffer(8, { maxByteLength: 32 });
  const copy = roundTrip({
    tracking: new Uint8Array(buffer, 4),
    fixed: new Uint8Array(buffer, 4, 4),
    inner: new Uint8Array(buffer, 0, 2),
    data: new DataView(buffer),
    fixedData: new DataView(buffer, 0, 8),
  });
  (copy.tracking.buffer as unknown as ArrayBuffer).resize(16);
  assertEquals(
    [copy.tracking, copy.fixed, copy.inner, copy.data, copy.fixedData].map((view) =>
      view.byteLength
    ),
    [12, 4, 2, 16, 8],
  );
  assertEquals(copy.tracking.buffer === copy.fixedData.buffer, true);
});

Deno.test("decode() sets no prototype, whatever the keys are", () => {
  const copy = roundTrip(JSON.parse(`{"__proto__":{"evil":true}}`));
  assertEquals(Object.getPrototypeOf(copy), Object.prototype);
  assertEquals(copy.evil, undefined);
  assertEquals(Object.keys(copy), ["__proto__"]);
});

Deno.test("decode() copies everything out of its bytes", () => {
  const value = {
    bytes: Uint8Array.of(1, 2, 3),
    text: "text".repeat(50),
    wide: "€".repeat(9),
    n: 1.5,
  };
  const bytes = encode(value);
  const copy = decode(bytes);
  bytes.fill(0xff);
  assertSame(copy, value);
});

Deno.test("decode() reads only the given part of its bytes", () => {
  const bytes = new Uint8Array(1000);
  const first = encodeInto({ i: 1, s: "first" }, bytes, 10);
  const second = encodeInto([1.5, Uint8Array.of(9)], bytes, first);
  assertSame(decode(bytes, 10, first), { i: 1, s: "first" });
  assertSame(decode(bytes, first, second), [1.5, Uint8Array.of(9)]);
  assertSame(decode(bytes.subarray(5), first - 5, second - 5), [1.5, Uint8Array.of(9)]);
});

Deno.test("decode() gives what structuredClone() gives for random values", () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const random = seededRandom(seed);
  for (let round = 0; round < 2000; round++) {
    const value = randomValue(random);
    assertSame(roundTrip(value), structuredClone(value), `seed ${seed}, round ${round}`);
  }
});

Deno.test("encodeInto() fills exactly the room it needs, and returns -1 for less", () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const random = seededRandom(seed);
  const values = [
    ...Object.values(VALUES),
    ...Array.from({ length: 500 }, () => randomValue(random)),
  ];
  for (const [index, value] of values.entries()) {
    const note = `seed ${seed}, value ${index}`;
    const bytes = encode(value);
    const target = new Uint8Array(bytes.length + 7).fill(0xaa);
    assertEquals(encodeInto(value, target, 7), target.length, note);
    assertEquals(target.subarray(7).join() === bytes.join(), true, note);
    assertEquals(target.subarray(0, 7).every((byte) => byte === 0xaa), true, note);
    const room = bytes.length < 200 ? bytes.length : 200;
    for (let missing = 1; missing <= room; missing++) {
      assertEquals(encodeInto(value, target, 7 + missing), -1, note);
    }
    assertEquals(encodeInto(value, target, target.length), -1, note);
    assertEquals(encodeInto(value, target, target.length + 1), -1, note);
  }
});

Deno.test("encode() gives each caller a buffer of its own", () => {
  const first = encode({ a: "first" });
  const second = encode({ a: "second" });
  assertEquals(first.buffer === second.buffer, false);
  assertSame(decode(first), { a: "first" });
  const large = encode("x".repeat(100_000));
  encode("y".repeat(100_000));
  assertSame(decode(large), "x".repeat(100_000));
});

Deno.test("encode() may be called by a getter of the value that is being encoded", () => {
  const common = { deep: [1, 2, 3] };
  const inner: Uint8Array<ArrayBuffer>[] = [];
  const value = {
    before: common,
    list: Array.from({ length: 100 }, (_, index) => ({ index })),
    get nested(): string {
      inner.push(encode([common, common]));
      const target = new Uint8Array(100);
      const end = encodeInto({ common }, target, 0);
      inner.push(target.slice(0, end));
      return "x".repeat(20_000);
    },
    after: common,
  };
  for (
    const outer of [
      encode(value),
      (() => {
        const target = new Uint8Array(50_000);
        return target.subarray(0, encodeInto(value, target, 0));
      })(),
    ]
  ) {
    const copy = decode(outer) as typeof value;
    assertEquals(copy.before === copy.after, true);
    assertSame(copy.list, value.list);
    assertSame(copy.nested, "x".repeat(20_000));
    const [list = encode(0), object = encode(0)] = inner.splice(-2);
    assertSame(decode(list), [common, common]);
    assertSame(decode(object), { common });
  }
});

Deno.test("largestBuffer() gives the place of the contents of a value's largest buffer", () => {
  const [small, large] = [new Uint8Array([1, 2]), new Uint8Array([5, 6, 7])];
  const resizable = new ArrayBuffer(9, { maxByteLength: 10 });
  const table: [unknown, number][] = [
    [large, 3],
    [[small, "text", large, small.slice()], 3],
    [[large, large.buffer, new Uint16Array(large.buffer.slice(0, 2))], 3],
    [[resizable, small], 2],
    [{
      get inner(): Uint8Array {
        encode(new Uint8Array(100));
        return large;
      },
    }, 3],
    ["no buffer", 0],
    [new Uint8Array(0), 0],
  ];
  for (const [value, expected] of table) {
    for (const front of [0, 5]) {
      const bytes = encode(value, front);
      const { start, size } = largestBuffer();
      assertEquals(size, expected);
      if (size === 3) assertEquals(Array.from(bytes.subarray(start, start + size)), [5, 6, 7]);
      assert(bytes.byteOffset >= front);
    }
  }
});
