// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { Assembly } from "../../src/channel/large_value.ts";
import type { Layout } from "../../src/wire/frame.ts";
import { ProtocolError } from "../../src/core/errors.ts";
import { largestBuffer } from "../../src/codec/value_buffers.ts";
import { encode } from "../../src/codec/value_encoder.ts";
import { forSeeds, Random } from "./random.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** An encoded value, and its layout. */
function encoded(value: unknown): { bytes: Bytes; layout: Layout } {
  const bytes = encode(value);
  const { start, size } = largestBuffer();
  return { bytes, layout: { length: bytes.length, bufferStart: start, bufferSize: size } };
}

/** Puts `bytes` into an assembly, in pieces, some of them twice, as after a broken connection. */
function assemble(assembly: Assembly, bytes: Bytes, random: Random): number {
  let counted = 0;
  for (let start = 0; start < bytes.length;) {
    const length = random.integer(1, bytes.length - start);
    const broken = random.chance(0.3) ? random.integer(0, length - 1) : 0;
    for (const end of [broken, length]) {
      for (let filled = 0; filled < end;) {
        const target = assembly.target(filled, length - filled);
        assert(target.length > 0 && target.length <= length - filled);
        const part = bytes.subarray(start + filled, start + Math.min(end, filled + target.length));
        target.set(part);
        filled += part.length;
        counted += assembly.arrived(filled, filled === length);
      }
    }
    start += length;
  }
  return counted;
}

Deno.test("Assembly gives the value whose pieces came, however they were cut", async () => {
  await forSeeds(200, (random) => {
    const bytes = crypto.getRandomValues(new Uint8Array(random.integer(0, 300)));
    const value = random.pick<unknown>([
      bytes,
      [bytes, "after it", bytes.subarray(random.integer(0, bytes.length))],
      { text: "x".repeat(50), first: new Uint8Array(20), bytes, last: { again: bytes.buffer } },
      "no buffer",
      new DataView(bytes.buffer),
    ]);
    const { bytes: whole, layout } = encoded(value);
    const assembly = new Assembly(layout);
    assertEquals(assemble(assembly, whole, random), whole.length, "each byte counts once");
    assertEquals(assembly.whole, true);
    assertEquals(assembly.release(), whole.length);
    assertEquals(assembly.release(), 0);
    assertEquals(assembly.value(), value);
  });
});

Deno.test("Assembly gives the program the buffer that was read into, and no larger one", () => {
  const { bytes, layout } = encoded({ id: 1, data: new Uint8Array(100_000).fill(7), end: true });
  const assembly = new Assembly(layout);
  const place = assembly.target(layout.bufferStart, bytes.length - layout.bufferStart);
  assertEquals(place.length, 100_000);
  assemble(assembly, bytes, new Random(1));
  const { data } = assembly.value() as { data: Bytes };
  assertStrictEquals(data.buffer, place.buffer);
  assertEquals(data.buffer.byteLength, 100_000);
});

Deno.test("Assembly refuses a piece beyond its end, and a wrong layout", () => {
  const { bytes, layout } = encoded([new Uint8Array(10), "after"]);
  assertThrows(() => new Assembly(layout).target(0, bytes.length + 1), ProtocolError, "beyond");
  const { bufferStart, bufferSize } = layout;
  const wrong = [
    { bufferStart: bufferStart + 1, bufferSize },
    { bufferStart, bufferSize: bufferSize - 1 },
    { bufferStart, bufferSize: bufferSize + 1 },
    { bufferStart: 0, bufferSize: bytes.length },
    { bufferStart: bufferStart + bufferSize + 2, bufferSize: 3 },
  ];
  for (const other of wrong) {
    const assembly = new Assembly({ length: bytes.length, ...other });
    assemble(assembly, bytes, new Random(1));
    assertThrows(() => assembly.value(), ProtocolError, "malformed value", JSON.stringify(other));
  }
});

Deno.test("Assembly.begins() distinguishes a value that begins again from another one", () => {
  const layout = { length: 10, bufferStart: 2, bufferSize: 3 };
  const assembly = new Assembly(layout);
  assembly.target(0, 4);
  assembly.arrived(2, false);
  assertEquals(assembly.begins({ ...layout }), true);
  for (const name of ["length", "bufferStart", "bufferSize"] as const) {
    assertEquals(assembly.begins({ ...layout, [name]: 1 }), false, name);
  }
  assembly.arrived(4, true);
  assertEquals(assembly.begins(layout), false, "a piece of it is whole");
});
