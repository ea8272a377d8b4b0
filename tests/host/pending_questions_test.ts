// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import {
  MAX_ARG_BYTES,
  MAX_CARRIED_BYTES,
  MAX_OTHERS,
  MAX_SPAWNS,
  PendingQuestions,
} from "../../src/host/pending_questions.ts";

function spawn(
  argBytes = 0,
  carriedBytes = 0,
): { answer: () => void; spawn: Parameters<PendingQuestions["addSpawn"]>[1] } {
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  return { answer, spawn: { answered, argBytes, carriedBytes, waitNoLonger() {}, cancel() {} } };
}

Deno.test("there is room until too many are pending, and again when one is answered", async () => {
  const pending = new PendingQuestions();
  const all = Array.from({ length: MAX_SPAWNS }, () => spawn());
  for (const [number, each] of all.entries()) {
    assertEquals(pending.room(), undefined);
    pending.addSpawn(number, each.spawn);
  }
  const room = pending.room();
  assert(room !== undefined);
  all[7]!.answer();
  await room;
  assertEquals(pending.room(), undefined);
});

Deno.test("there is no room while the arguments are too large, however few there are", async () => {
  const pending = new PendingQuestions();
  const [large, small] = [spawn(MAX_ARG_BYTES - 1), spawn(1)];
  pending.addSpawn(0, large.spawn);
  assertEquals(pending.room(), undefined);
  pending.addSpawn(1, small.spawn);
  const room = pending.room();
  small.answer();
  await room;
  assertEquals(pending.room(), undefined);
});

Deno.test("there is no room while what else spawns carry is too large, such as their environments", async () => {
  const pending = new PendingQuestions();
  const [large, small] = [spawn(0, MAX_CARRIED_BYTES - 1), spawn(0, 1)];
  pending.addSpawn(0, large.spawn);
  assertEquals(pending.room(), undefined);
  pending.addSpawn(1, small.spawn);
  const room = pending.room();
  large.answer();
  await room;
  assertEquals(pending.room(), undefined);
});

Deno.test("there is no room while too many other questions are pending, of whatever kind", async () => {
  const pending = new PendingQuestions();
  const { promise, resolve } = Promise.withResolvers<void>();
  pending.add(promise);
  for (let count = 2; count < MAX_OTHERS; count++) pending.add(new Promise(() => {}));
  assertEquals(pending.room(), undefined);
  pending.add(new Promise(() => {}));
  const room = pending.room();
  assert(room !== undefined);
  resolve();
  await room;
  assertEquals(pending.room(), undefined);
});
