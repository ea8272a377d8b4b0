/** How many spares a run has. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { maxSpares, SparePolicy } from "../../src/host/spare_policy.ts";

const GIB = 1024 ** 3;

Deno.test("SparePolicy wants none before the first spawn, and one more for each miss of its own", () => {
  const policy = new SparePolicy(3);
  assertEquals(policy.wanted, 0);
  policy.missed(0);
  assertEquals(policy.wanted, 1);
  policy.missed(1_000);
  policy.missed(2_000);
  policy.missed(3_000);
  assertEquals(policy.wanted, 3, "and no more than it may");
});

Deno.test("SparePolicy wants one more for all misses of a burst", () => {
  const policy = new SparePolicy(8);
  for (let spawn = 0; spawn < 60; spawn++) policy.missed(1_000 + spawn);
  assertEquals(policy.wanted, 1);
});

Deno.test("SparePolicy wants no spares after a long time without spawns", () => {
  const policy = new SparePolicy(8);
  policy.missed(0);
  policy.idle();
  assertEquals(policy.wanted, 0);
  policy.missed(10_000);
  assertEquals(policy.wanted, 1);
});

Deno.test("SparePolicy never wants any if it may not", () => {
  const policy = new SparePolicy(0);
  policy.missed(0);
  assertEquals(policy.wanted, 0);
});

Deno.test("maxSpares() is what DEPLOY_SPARES says, else bounded by cores and memory", () => {
  const machine = { cores: 4, availableBytes: 16 * GIB };
  assertEquals(maxSpares(undefined, machine), 4);
  assertEquals(maxSpares("", machine), 4);
  assertEquals(maxSpares("0", machine), 0);
  assertEquals(maxSpares("17", machine), 17);
  assertEquals(maxSpares(undefined, { cores: 64, availableBytes: GIB }), 2);
  assertEquals(maxSpares(undefined, { cores: 64, availableBytes: GIB / 8 }), 0);
  for (const text of ["-1", "2.5", "many", "10000"]) {
    assertThrows(
      () => maxSpares(text, machine),
      SyntaxError,
      "expected the number of spare processes that may wait",
    );
  }
});
