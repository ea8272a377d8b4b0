/** Faults depend only on a seed, which a failing test shows. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { faultsOf, resolveChaos } from "../../src/testing/chaos.ts";

const settings = (seed: number) => resolveChaos({ seed, pauseMs: 100, downMs: 50 }, 4);

Deno.test("faultsOf() gives the same faults for a seed, and others for another one", () => {
  const first = faultsOf(settings(7)).take(100).toArray();
  assertEquals(faultsOf(settings(7)).take(100).toArray(), first);
  assertNotEquals(faultsOf(settings(8)).take(100).toArray(), first);
  // The same on every machine, and with every version of Deno.
  assertEquals(first.slice(0, 3), [
    { afterMs: 1, kind: "kill", node: 3, forMs: 35 },
    { afterMs: 52, kind: "kill", node: 2, forMs: 12 },
    { afterMs: 55, kind: "freeze", node: 1, forMs: 7 },
  ]);
});

Deno.test("faultsOf() draws every kind, every node but 0, and times within their limits", () => {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0]!;
  const faults = faultsOf(settings(seed)).take(1_000).toArray();
  assertEquals(new Set(faults.map(({ kind }) => kind)), new Set(["kill", "freeze"]), `${seed}`);
  assertEquals(new Set(faults.map(({ node }) => node)), new Set([1, 2, 3]), `${seed}`);
  for (const { afterMs, forMs } of faults) {
    assert(afterMs >= 0 && afterMs <= 100 && forMs >= 0 && forMs <= 50, `${seed}`);
  }
  const only = resolveChaos({ seed, faults: ["freeze"], nodes: [2] }, 4);
  for (const { kind, node } of faultsOf(only).take(20)) {
    assertEquals({ kind, node }, { kind: "freeze", node: 2 });
  }
});

Deno.test("resolveChaos() refuses what it cannot draw from", () => {
  const cases: [Parameters<typeof resolveChaos>[0], string][] = [
    [{ seed: 1.5 }, "not an integer"],
    [{ faults: [] }, "none to draw from"],
    [{ nodes: [] }, "no node"],
    [{ nodes: [0] }, "node 0: expected 1 to 3"],
    [{ nodes: [4] }, "node 4: expected 1 to 3"],
    [{ pauseMs: -1 }, "pauseMs -1"],
    [{ downMs: NaN }, "downMs NaN"],
  ];
  for (const [options, message] of cases) {
    assertThrows(() => resolveChaos(options, 4), RangeError, message);
  }
});
