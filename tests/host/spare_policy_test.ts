/** The number of spares of a run. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { maxSpares, SparePolicy } from "../../src/host/spare_policy.ts";

const GIB = 1024 ** 3;

const MISS = { found: false, alone: true, mem: 0 };

Deno.test("SparePolicy wants none before the first spawn, and one more for each miss of a spawn that comes alone", () => {
  const policy = new SparePolicy(3);
  assertEquals(policy.wanted, 0);
  policy.spawned({ ...MISS, nowMs: 0 });
  assertEquals(policy.wanted, 1);
  policy.spawned({ ...MISS, nowMs: 40, found: true });
  assertEquals(policy.wanted, 1, "there was a spare");
  policy.spawned({ ...MISS, nowMs: 80 });
  policy.spawned({ ...MISS, nowMs: 2_000 });
  policy.spawned({ ...MISS, nowMs: 3_000 });
  assertEquals(policy.wanted, 3, "and no more than it may");
});

Deno.test("SparePolicy wants one more for all misses of a burst", () => {
  const policy = new SparePolicy(8);
  for (let spawn = 0; spawn < 60; spawn++) {
    policy.spawned({ nowMs: 1_000 + spawn, found: false, alone: spawn === 0, mem: 0 });
  }
  assertEquals(policy.wanted, 1);
});

Deno.test("SparePolicy refills at once when spawns follow each other quickly, and else after a pause", () => {
  const policy = new SparePolicy(8);
  const pauses: [nowMs: number, alone: boolean, refillMs: number][] = [
    [0, true, 50], // nothing is known yet
    [60, true, 0],
    [120, true, 0],
    [130, false, 50], // a burst
    [1_000, true, 50], // an occasional one
    [1_149, true, 0],
    [1_299, true, 50],
  ];
  for (const [nowMs, alone, refillMs] of pauses) {
    policy.spawned({ nowMs, found: true, alone, mem: 0 });
    assertEquals(policy.refillMs, refillMs, `at ${nowMs}`);
  }
});

Deno.test("SparePolicy wants no spares after a long time without spawns", () => {
  const policy = new SparePolicy(8);
  policy.spawned({ ...MISS, nowMs: 0 });
  policy.idle();
  assertEquals(policy.wanted, 0);
  policy.spawned({ ...MISS, nowMs: 10_000 });
  assertEquals(policy.wanted, 1);
});

Deno.test("SparePolicy wants spares with the memory of the largest of the last 16 spawns", () => {
  const policy = new SparePolicy(8);
  assertEquals(policy.mem, 0);
  for (const [mem, expected] of [[3, 3], [9, 9], [5, 9]] as const) {
    policy.spawned({ ...MISS, nowMs: 0, mem });
    assertEquals(policy.mem, expected);
  }
  for (let spawn = 0; spawn < 14; spawn++) policy.spawned({ ...MISS, nowMs: 0, mem: 4 });
  assertEquals(policy.mem, 9);
  policy.spawned({ ...MISS, nowMs: 0, mem: 4 });
  assertEquals(policy.mem, 5);
});

Deno.test("SparePolicy never wants any if it may not", () => {
  const policy = new SparePolicy(0);
  policy.spawned({ ...MISS, nowMs: 0 });
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
