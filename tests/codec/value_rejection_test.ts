/** Values that cannot be sent, and the path in the error. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { decode } from "../../src/codec/value_decoder.ts";
import { encode, encodeInto } from "../../src/codec/value_encoder.ts";
import { declaresPrivate } from "../../src/codec/value_classes.ts";
import { MAX_DEPTH } from "../../src/codec/value_tags.ts";

class Secret {
  #hidden = 1;
  reveal(): number {
    return this.#hidden;
  }
}
class Inherits extends Secret {}
class SecretMap extends Map<string, number> {
  #hidden = 1;
  reveal(): number {
    return this.#hidden;
  }
}
class SecretError extends Error {
  #hidden = 1;
  reveal(): number {
    return this.#hidden;
  }
}

function detached(): ArrayBuffer {
  const buffer = new ArrayBuffer(8);
  structuredClone(buffer, { transfer: [buffer] });
  return buffer;
}

function detachedView(): Uint8Array {
  const view = new Uint8Array(8);
  structuredClone(view, { transfer: [view.buffer] });
  return view;
}

const run = (): void => {};
const cycle: Record<string, unknown> = { other: [1, "two"] };
cycle["self"] = cycle;
cycle["run"] = run;

const TABLE: readonly (readonly [value: unknown, message: string])[] = [
  [run, "value is a function; functions cannot be sent"],
  [class {}, "value is a function; functions cannot be sent"],
  [{ jobs: [0, 1, 2, { run }] }, "value.jobs[3].run is a function; functions cannot be sent"],
  [{ x: Symbol("s") }, "value.x is a symbol; symbols cannot be sent"],
  [Object(Symbol("s")), "value is a Symbol, which cannot be sent"],
  [Promise.resolve(1), "value is a Promise; promises cannot be sent"],
  [new (class extends Promise<void> {})(run), "value is a Promise; promises cannot be sent"],
  [{ "a key": { run } }, `value["a key"].run is a function; functions cannot be sent`],
  [{ ключ: run }, "value.ключ is a function; functions cannot be sent"],
  [{ 7: run }, `value["7"] is a function; functions cannot be sent`],
  [Object.assign([1], { run }), "value.run is a function; functions cannot be sent"],
  [[, run], "value[1] is a function; functions cannot be sent"],
  [new Map([["k", { run }]]), `value.get("k").run is a function; functions cannot be sent`],
  [new Map([[5n, run]]), "value.get(5n) is a function; functions cannot be sent"],
  [
    { m: new Map([[1, {}], [{ run }, 1]] as [unknown, unknown][]) },
    "[...value.m.keys()][1].run is a function; functions cannot be sent",
  ],
  [new Map([[{}, run]]), "[...value.values()][0] is a function; functions cannot be sent"],
  [{ s: new Set([1, run]) }, "[...value.s][1] is a function; functions cannot be sent"],
  [new Error("x", { cause: { run } }), "value.cause.run is a function; functions cannot be sent"],
  [new AggregateError([run]), "value.errors[0] is a function; functions cannot be sent"],
  [cycle, "value.run is a function; functions cannot be sent"],
  [{ x: new Secret() }, "value.x is a Secret, a class with private state; it cannot be sent"],
  [new Inherits(), "value is a Secret, a class with private state; it cannot be sent"],
  [[new SecretMap()], "value[0] is a SecretMap, a class with private state; it cannot be sent"],
  [new WeakMap(), "value is a WeakMap, which cannot be sent"],
  [new WeakSet(), "value is a WeakSet, which cannot be sent"],
  [new WeakRef({}), "value is a WeakRef, which cannot be sent"],
  [new SharedArrayBuffer(1), "value is a SharedArrayBuffer, which cannot be sent"],
  [
    { a: new Uint8Array(new SharedArrayBuffer(1)) },
    "value.a is backed by a SharedArrayBuffer; shared memory cannot be sent",
  ],
  [
    { a: detached() },
    "value.a is detached; a buffer that was transferred cannot be sent",
  ],
  [
    [new Uint8Array(1), new DataView(new ArrayBuffer(1)), detachedView()],
    "value[2] is detached; a buffer that was transferred cannot be sent",
  ],
  [new ReadableStream(), "value is a ReadableStream, which cannot be sent"],
  [
    { module: new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)) },
    "value.module is a WebAssembly.Module, which cannot be sent: send the bytes that it was compiled from, and compile them there",
  ],
  [new AbortController().signal, "value is an AbortSignal, which cannot be sent"],
  [(function* () {})(), "value is a Generator, which cannot be sent"],
  [(async function* () {})(), "value is an AsyncGenerator, which cannot be sent"],
  [[].values(), "value is an Array Iterator, which cannot be sent"],
  [new Map().entries(), "value is a Map Iterator, which cannot be sent"],
  [new Intl.NumberFormat(), "value is a NumberFormat, which cannot be sent"],
];

for (const [value, message] of TABLE) {
  Deno.test(`encode() throws "${message}"`, () => {
    assertEquals(assertThrows(() => encode(value), TypeError).message, message);
    const target = new Uint8Array(1000);
    assertEquals(
      assertThrows(() => encodeInto(value, target, 0), TypeError).message,
      message,
    );
    // A failure leaves nothing that would become part of the next message.
    assertEquals(decode(encode({ a: [1] })), { a: [1] });
  });
}

Deno.test("encode() refuses URL, whose private state the platform declares", () => {
  assertStringIncludes(
    assertThrows(() => encode({ url: new URL("http://localhost/") }), TypeError).message,
    "value.url is a URL, ",
  );
});

Deno.test("encode() takes an Error whose class has private state, as an Error", () => {
  const copy = decode(encode(new SecretError("text")));
  assertEquals(copy instanceof Error && copy.message, "text");
});

Deno.test("encode() throws what a getter of the value throws", () => {
  const thrown = new SyntaxError("mine");
  const value = {
    get x(): number {
      throw thrown;
    },
  };
  assertEquals(assertThrows(() => encode([value])), thrown);
});

Deno.test("encode() has a message for a getter whose result cannot be found again", () => {
  let calls = 0;
  const value = {
    get x(): unknown {
      return calls++ === 0 ? run : 1;
    },
  };
  assertEquals(
    assertThrows(() => encode(value), TypeError).message,
    "value has a getter that returns something that cannot be sent",
  );
});

Deno.test("encode() takes MAX_DEPTH levels, and refuses more", () => {
  const nest = (levels: number, wrap: (inner: unknown) => unknown): unknown => {
    let value: unknown = 1;
    for (let level = 0; level < levels; level++) value = wrap(value);
    return value;
  };
  for (const wrap of [(inner: unknown) => [inner], (inner: unknown) => ({ inner })]) {
    const bytes = encode(nest(MAX_DEPTH, wrap));
    assertEquals(encode(decode(bytes)).join() === bytes.join(), true);
    for (const levels of [MAX_DEPTH + 1, 100_000]) {
      assertEquals(
        assertThrows(() => encode(nest(levels, wrap)), TypeError).message,
        `value is nested too deeply; at most ${MAX_DEPTH} levels can be sent`,
      );
    }
  }
  const map = nest(100_000, (inner) => new Map([[1, inner]]));
  assertStringIncludes(
    assertThrows(() => encode(map), TypeError).message,
    "value is nested too deeply",
  );
});

Deno.test("encode() refuses resizable buffers that would reserve too much address space", () => {
  const buffers = Array.from({ length: 33 }, () => new ArrayBuffer(1, { maxByteLength: 2 ** 31 }));
  assertStringIncludes(
    assertThrows(() => encode(buffers), TypeError).message,
    "resizable buffers with a total maxByteLength",
  );
});

Deno.test("declaresPrivate() distinguishes a private member from a # elsewhere", () => {
  const table: readonly (readonly [source: string, expected: boolean])[] = [
    ["class A { #x = 1; }", true],
    ["class A{#x}", true],
    ["class A { static #x() {} }", true],
    ["class A { async *#x() {} }", true],
    ["class A { get #x() { return 1; } }", true],
    ["class A { y = 1; m() { return `}`; } #x; }", true],
    ["class A { m() { return /[/}]{/.test('{'); } #x; }", true],
    ["class A { m(a, b) { return a / b; } /* } */ #x; }", true],
    ["class A { m() { return `${`${1}}`}}}`; } #x; }", true],
    ["class A extends B({ c: 1 }) { #x; }", true],
    ["class A { ['#x'] = 1; }", false],
    [`class A { x = "#x"; y = '#y'; z = \`#z \${"#w"}\`; }`, false],
    ["class A { /* #x */ y = 1; // #z\n }", false],
    ["class A { y = /#x/; z = [/#/g]; }", false],
    ["class A { m() { return class { #x; }; } }", false],
    ["class A { m = (other) => other.#x; }", false],
    ["class A { color = '\\'#fff'; }", false],
    ["function A() { return '#'; }", false],
    ["class A { m() { /* unclosed", false],
  ];
  for (const [source, expected] of table) assertEquals(declaresPrivate(source), expected, source);
});

Deno.test("encode() takes instances of a class that only mentions a #", () => {
  class Colour {
    /** As in #fff. */
    text = "#fff";
    pattern = "a#b".replace(/#/, "");
    hash(): string {
      return `#${this.text}`;
    }
  }
  assertEquals(decode(encode(new Colour())), { text: "#fff", pattern: "ab" });
});
