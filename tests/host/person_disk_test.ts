/** What the runs of each person take on a node, together, and which of them end. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { GiB } from "../../src/core/resources.ts";
import { judgePerson } from "../../src/host/disk_limit.ts";
import { type DiskShare, PersonDisks } from "../../src/host/person_disk.ts";

Deno.test("judgePerson() ends the largest that run, until the others fit", () => {
  const run = (usedBytes: number, isRunning = true, endedMs?: number) => ({
    ...{ usedBytes, isRunning, endedMs },
  });
  const table: [runs: ReturnType<typeof run>[], usedBytes: number, over: number[]][] = [
    [[], 0, []],
    [[run(4), run(6)], 10, []],
    [[run(4), run(6), run(1)], 11, [6]],
    [[run(9), run(8), run(7)], 24, [9, 8]],
    // What only has files here cannot end here, and counts.
    [[run(9, false), run(2), run(1)], 12, [2]],
    [[run(12, false), run(0)], 12, [0]],
    // What was ended just now is going, and counts again if it stays.
    [[run(9, false, 6_000), run(2), run(8)], 10, []],
    [[run(9, false, 4_000), run(2), run(8)], 19, [8, 2]],
  ];
  for (const [runs, usedBytes, over] of table) {
    const verdict = judgePerson(runs, 10, 10_000);
    assertEquals([verdict.usedBytes, verdict.over.map((each) => each.usedBytes)], [
      ...[usedBytes, over],
    ]);
  }
});

/** A run with processes, and what it was ended for. */
function runs(share: DiskShare): string[] {
  const why: string[] = [];
  share.run = { isRunning: true, endFor: (reason) => why.push(reason) };
  return why;
}

Deno.test("PersonDisks limits the sum of each person, and of nobody else", () => {
  let nowMs = 0;
  const persons = new PersonDisks(10 * GiB, () => nowMs);
  const [small, large, other] = [
    ...[persons.begin("anna", GiB), persons.begin("anna", 2 * GiB), persons.begin("ben", 9 * GiB)],
  ];
  const [smallWhy, largeWhy, otherWhy] = [runs(small!), runs(large!), runs(other!)];
  assertEquals(small!.took(2 * GiB), 15_360, "two runs could fill 6 GiB in that time");
  assertEquals(other!.took(10 * GiB), 1_000);
  large!.took(9 * GiB);
  assertEquals(largeWhy, ["disk: 11 GiB used by all runs of anna, 10 GiB allowed"]);
  small!.took(3 * GiB);
  assertEquals([smallWhy, otherWhy], [[], []]);
  // It goes on elsewhere, and keeps its files here.
  nowMs = 6_000;
  large!.run = { isRunning: false, endFor: () => {} };
  small!.took(3 * GiB);
  assertEquals(smallWhy, ["disk: 12 GiB used by all runs of anna, 10 GiB allowed"]);
  large![Symbol.dispose]();
  assertEquals(persons.begin("anna", 7 * GiB).usedBytes, 7 * GiB);
});

Deno.test("a run whose files do not fit beside those of its person's other runs does not begin", () => {
  const persons = new PersonDisks(10 * GiB);
  assertThrows(
    () => persons.begin("anna", 11 * GiB),
    Error,
    "its files have 11 GiB, and the runs of each person may take 10 GiB here (fabric --person-disk)",
  );
  const share = persons.begin("anna", 8 * GiB);
  assertThrows(
    () => persons.begin("anna", 3 * GiB),
    Error,
    "its files have 3 GiB, other runs of anna take 8 GiB, and the runs of each person may take 10 GiB here",
  );
  share[Symbol.dispose]();
  persons.begin("anna", 3 * GiB)[Symbol.dispose]();
});
