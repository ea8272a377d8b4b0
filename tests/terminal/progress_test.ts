/** The progress of building and shipping. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { MiB } from "../../src/core/resources.ts";
import { columnsOf } from "../../src/terminal/columns.ts";
import { barProgress, plainProgress, rate } from "../../src/terminal/progress.ts";

Deno.test("plainProgress() writes one line for each completed step, and nothing else", () => {
  const written: string[] = [];
  const progress = plainProgress((text) => written.push(text));
  progress.step("bundling");
  progress.done("built");
  progress.sent(1, 2);
  progress.sent(2, 2);
  progress.done("sent");
  progress.clear();
  assertEquals(written, ["built\n", "sent\n"]);
});

Deno.test("barProgress() overwrites its own line, and leaves those of others alone", () => {
  const written: string[] = [];
  let nowMs = 0;
  const progress = barProgress((text) => written.push(text), () => nowMs);
  progress.clear();
  progress.step("bundling");
  progress.done("built");
  progress.sent(0, 4 * MiB);
  nowMs = 1_000;
  progress.sent(1 * MiB, 4 * MiB);
  nowMs = 1_010; // too early to be drawn
  progress.sent(2 * MiB, 4 * MiB);
  progress.sent(4 * MiB, 4 * MiB);
  progress.clear();
  progress.clear();
  assertEquals(written, [
    "bundling …",
    "\r\x1b[Kbuilt\n",
    `sending ${"░".repeat(24)} 0 B of 4 MiB, 0 B/s`,
    `\r\x1b[Ksending ${"█".repeat(6)}${"░".repeat(18)} 1 MiB of 4 MiB, 1 MiB/s`,
    `\r\x1b[Ksending ${"█".repeat(24)} 4 MiB of 4 MiB, ${rate(4 * MiB, 1.01)}`,
    "\r\x1b[K",
  ]);
});

Deno.test("barProgress() fits the width that there is", () => {
  for (const columns of [10, 20, 40, 44, 50, 60, 80, 200]) {
    const written: string[] = [];
    let nowMs = 0;
    const progress = barProgress((text) => written.push(text), () => nowMs, () => columns);
    progress.step("trial boot of the program, which has a long name");
    progress.sent(0, 92 * MiB);
    nowMs = 1_000;
    progress.sent(12 * MiB, 92 * MiB);
    for (const text of written) {
      assert(columnsOf(text) < columns, `${columns}: ${JSON.stringify(text)}`);
    }
    // "sending 12 MiB of 92 MiB, 12 MiB/s" takes 34 columns.
    assertEquals(/[█░]/.test(written[2]!), columns >= 44, `${columns}: ${written[2]}`);
  }
});
