/** Finding a run by what a person calls it. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { findRun, phaseOf, type RunEntry } from "../../src/core/run_entry.ts";

function entry(id: string, name: string, endedMs: number | null = null): RunEntry {
  const code = endedMs === null ? null : 0;
  return {
    ...{ id, name, by: "me@here", from: "h:1", startedMs: 1, endedMs },
    code,
    running: 1,
    spawned: 1,
  };
}

const RUNS = [
  entry("bafo-kine", "main.ts", 5),
  entry("bado-kine", "sort.ts"),
  entry("zuli-mora", "main.ts"),
  entry("zuli-tora", "old.ts", 6),
  entry("tuli-tora", "old.ts", 6),
];

Deno.test("findRun() finds a run by its id, the start of one, or its name", () => {
  const table: [query: string, id: string][] = [
    ["bafo-kine", "bafo-kine"],
    ["baf", "bafo-kine"],
    ["zuli-t", "zuli-tora"],
    ["sort.ts", "bado-kine"],
    ["main.ts", "zuli-mora"], // the one that runs
  ];
  for (const [query, id] of table) {
    const found = findRun(query, RUNS);
    assertEquals("run" in found ? found.run.id : found.why, id, query);
  }
});

Deno.test("findRun() says why there is not exactly one", () => {
  const table: [query: string, runs: RunEntry[], why: string][] = [
    ["x", RUNS, 'there is no run "x"; see deploy ps'],
    [
      "zuli",
      RUNS,
      '2 runs are called "zuli"; name one by its id: zuli-mora (main.ts), zuli-tora (old.ts)',
    ],
    [
      "old.ts",
      RUNS,
      '2 runs are called "old.ts"; name one by its id: zuli-tora (old.ts), tuli-tora (old.ts)',
    ],
    ["", RUNS, "2 runs are running; name one: bado-kine (sort.ts), zuli-mora (main.ts)"],
    ["", RUNS.slice(0, 1), "no run is running; name one that has ended: see deploy ps"],
  ];
  for (const [query, runs, why] of table) assertEquals(findRun(query, runs), { why });
  assertEquals(findRun("", RUNS.slice(0, 2)), { run: RUNS[1]! });
});

Deno.test("phaseOf() tells whether a run waits, runs or has ended", () => {
  const waiting = { ...entry("a", "b"), spawned: 0 };
  assertEquals([waiting, RUNS[1]!, RUNS[0]!].map(phaseOf), ["waiting", "running", "ended"]);
});
