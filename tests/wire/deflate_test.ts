/** Deflating: bytes are unchanged after a round trip, and input from outside is limited in size. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects } from "@std/assert";
import { deflate, inflate } from "../../src/wire/deflate.ts";
import { ProtocolError } from "../../src/core/errors.ts";

const MAX_BYTES = 128 * 1024;

/** A text of `length` bytes. */
function textOf(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, index) => 97 + (index * index >> 7) % 26);
}

async function deflated(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const result = await deflate(bytes);
  assert(result !== undefined);
  return result;
}

Deno.test("inflate() restores the input of deflate(), which was larger", async () => {
  for (const length of [100, 5_000, MAX_BYTES - 1, MAX_BYTES]) {
    const bytes = textOf(length);
    const small = await deflated(bytes);
    assert(small.length < bytes.length);
    assertEquals(await inflate(small, MAX_BYTES), bytes);
  }
});

Deno.test("deflate() and inflate() take only the bytes of their view", async () => {
  const whole = textOf(2_000);
  const part = await deflated(whole.subarray(500, 1_500));
  const around = new Uint8Array(part.length + 200).fill(255);
  around.set(part, 100);
  const inflated = await inflate(around.subarray(100, 100 + part.length), MAX_BYTES);
  assertEquals(inflated, whole.slice(500, 1_500));
  assertEquals(inflated.buffer.byteLength, 1_000);
});

Deno.test("deflate() returns nothing if the result is not smaller", async () => {
  for (const length of [0, 1, 1_000, 60_000]) {
    assertEquals(await deflate(crypto.getRandomValues(new Uint8Array(length))), undefined);
  }
});

Deno.test("inflate() refuses any output that is too large", async () => {
  const bomb = await deflated(new Uint8Array(64 * 1024 * 1024));
  assert(bomb.length < MAX_BYTES);
  for (const bytes of [bomb, await deflated(new Uint8Array(MAX_BYTES + 1))]) {
    await assertRejects(
      () => inflate(bytes, MAX_BYTES),
      ProtocolError,
      "they inflate to more than 131072",
    );
  }
});

Deno.test("inflate() refuses input that is not deflated, or too large", async () => {
  const rubbish = new Uint8Array(1_000).fill(255);
  await assertRejects(() => inflate(rubbish, MAX_BYTES), ProtocolError, "Cannot inflate 1000");
  // Any number of empty blocks would be valid otherwise.
  const empty = new Uint8Array(MAX_BYTES);
  await assertRejects(() => inflate(empty, MAX_BYTES), ProtocolError, "Cannot inflate 131072");
});
