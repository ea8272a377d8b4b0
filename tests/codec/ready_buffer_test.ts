/** Small buffers that are allocated before they are needed. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";

import { bufferOf, makeReady } from "../../src/codec/ready_buffer.ts";

/** `size` bytes, all of them `byte`. */
function filled(size: number, byte: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(size).fill(byte);
}

Deno.test("each buffer has its contents, and is used by its caller only", () => {
  const taken: ArrayBuffer[] = [];
  // Repeated and single sizes, small and large ones, and 0.
  const sizes = [16, 16, 16, 16, 8, 16, 8, 8, 8, 0, 0, 0, 1024, 1024, 1024, 4096, 4096, 4096, 16];
  for (const [index, size] of sizes.entries()) {
    taken.push(bufferOf(filled(size, index + 1)));
    makeReady();
  }
  assertEquals(new Set(taken).size, sizes.length);
  for (const [index, size] of sizes.entries()) {
    assertEquals(new Uint8Array(taken[index]!), filled(size, index + 1));
  }
});

Deno.test("a buffer of the expected size is allocated once, however often one is requested", () => {
  bufferOf(filled(32, 1));
  bufferOf(filled(32, 2));
  makeReady();
  makeReady();
  const [first, second] = [bufferOf(filled(32, 3)), bufferOf(filled(32, 4))];
  assert(first !== second);
  assertEquals([new Uint8Array(first), new Uint8Array(second)], [filled(32, 3), filled(32, 4)]);
});
