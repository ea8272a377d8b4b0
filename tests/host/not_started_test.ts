// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { OutputChunk } from "../../src/host/child_process.ts";
import { faultOfStart, NotStartedError, stderrTail } from "../../src/host/not_started.ts";

function chunk(text: string, fd: 1 | 2 = 2): OutputChunk {
  return { fd, bytes: new TextEncoder().encode(text) };
}

Deno.test("stderrTail() gives the last lines that were written to stderr", () => {
  const line = "0123456789".repeat(30);
  const table: [chunks: OutputChunk[], tail: string][] = [
    [[], ""],
    [[chunk("out\n", 1)], ""],
    [[chunk("a\n"), chunk("out\n", 1), chunk("b\n")], "a\nb"],
    [[chunk("one li"), chunk("ne\n\n")], "one line"],
    [
      [chunk(Array.from({ length: 30 }, (_, n) => `${n}\n`).join(""))],
      [
        ...[20, 21, 22, 23, 24, 25, 26, 27, 28, 29],
      ].join("\n"),
    ],
    [
      Array.from({ length: 9 }, () => chunk(`${line}\n`)),
      [
        // 2 KiB less six lines and all seven ends of lines.
        line.slice(-(2048 - 6 * 300 - 7)),
        ...Array.from({ length: 6 }, () => line),
      ].join("\n"),
    ],
    // Cut within a character: 2 KiB are 682 characters of three bytes, plus two bytes.
    [[chunk("€".repeat(1_000))], "€".repeat(682)],
  ];
  for (const [chunks, tail] of table) assertEquals(stderrTail(chunks), tail);
});

Deno.test("NotStartedError names the process, how it ended, and its output", () => {
  const output = [chunk("boom\n")];
  const start = { status: { code: 1 }, output, overflowed: false };
  assertEquals(
    new NotStartedError("work", start).message,
    "Cannot start work(): its process exited with 1 before it ran work(); " +
      "its last lines on stderr:\nboom",
  );
  assertEquals(
    new NotStartedError(null, { ...start, status: { signal: "SIGTRAP" }, output: [] }).message,
    "Cannot start the first process: its process was killed by SIGTRAP before init() resolved; " +
      "it wrote nothing to stderr",
  );
});

Deno.test("NotStartedError gives advice about a port that every process binds", () => {
  const output = [
    chunk("error: Uncaught (in promise) AddrInUse: Address already in use\n    at x.ts\n"),
  ];
  const { message } = new NotStartedError("work", {
    status: { code: 1 },
    output,
    overflowed: false,
  });
  assertStringIncludes(
    message,
    "before it ran work(); code before `await init()` runs in every",
  );
});

Deno.test("a start fails for the machine where that had no memory or threads left, and for the program otherwise", () => {
  const killed = { status: { killed: "memory: …" }, output: [], overflowed: false };
  const advice = "no memory left: let it lend less, or end what else runs there";
  assertEquals(faultOfStart({ ...killed, starved: true }), advice);
  assertEquals(faultOfStart({ ...killed, starved: false }), undefined);
  assertEquals(faultOfStart(killed), undefined);
  const output = [chunk("sh: 1: Cannot fork\n")];
  assertStringIncludes(faultOfStart({ ...killed, output }) ?? "", "too many processes");
});
