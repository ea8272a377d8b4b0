/** What `deno task soak` says about what it has seen. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { growth } from "../../scripts/soak/usage.ts";

Deno.test("growth() compares the most of both halves", () => {
  const table: [memMiB: number[], files: number[], expected: string[]][] = [
    [[60, 90, 100, 80, 110, 100], [40, 60, 50, 50, 45, 60], []],
    [[60, 90, 100, 80, 110, 126], [40, 60, 50, 50, 45, 60], [
      "memory in MiB grew from 100 in the first half to 126 in the second one",
    ]],
    [[60, 60, 60, 60, 60, 60], [10, 20, 30, 40, 50, 60], [
      "files grew from 30 in the first half to 60 in the second one",
    ]],
    [[60], [60], ["there were too few processes to tell"]],
    [[], [], ["there were too few processes to tell"]],
  ];
  for (const [memMiB, files, expected] of table) {
    const usages = memMiB.map((mem, at) => ({
      ended: (at + 1) * 10,
      memMiB: mem,
      files: files[at]!,
    }));
    assertEquals(growth(usages), expected);
  }
});
