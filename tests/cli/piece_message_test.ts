/** Which pieces are deflated on their way to the bridge. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { KiB, MiB } from "../../src/core/resources.ts";
import { pieceMessage } from "../../src/cli/piece_message.ts";
import { inflate } from "../../src/wire/deflate.ts";

const HASH = "ab".repeat(32);
const TEXT = new TextEncoder().encode("all work and no play\n".repeat(1_000));

Deno.test("a piece of a change is deflated", async () => {
  for (const neededBytes of [16 * KiB, 300 * KiB, 4 * MiB]) {
    const { type, hash, bytes } = await pieceMessage(HASH, TEXT, neededBytes);
    assertEquals([type, hash], ["deflated-piece", HASH]);
    assertEquals(await inflate(bytes, 128 * KiB), TEXT);
  }
});

Deno.test("a piece of very few or very many needed bytes is sent as it is", async () => {
  for (const neededBytes of [16 * KiB - 1, 4 * MiB + 1]) {
    const message = await pieceMessage(HASH, TEXT, neededBytes);
    assertEquals(message, { type: "piece", hash: HASH, bytes: TEXT });
  }
});

Deno.test("a piece that deflating does not shrink is sent as it is", async () => {
  const bytes = crypto.getRandomValues(new Uint8Array(20 * KiB));
  const message = await pieceMessage(HASH, bytes, bytes.length);
  assertEquals(message, { type: "piece", hash: HASH, bytes });
});
