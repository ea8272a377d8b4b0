/** The processes of a run as a table, and as data. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import type { ExitRecord } from "../../src/core/events.ts";
import type { ExitStatus } from "../../src/core/exit_status.ts";
import { processTable } from "../../src/run/process_table.ts";
import {
  leftLines,
  processData,
  processLines,
  stateWord,
} from "../../src/terminal/process_lines.ts";
import { FIRST, spawned, TIME, WORKER } from "./events.ts";

const MIB = 1024 ** 2;

const PROCESSES = processTable([
  spawned(null, FIRST),
  spawned(FIRST, WORKER, "a worker"),
  {
    ...{ event: "exit", pid: WORKER, status: { code: 3 }, time: TIME + 12_000 },
    record: { peakBytes: 131 * MIB, cpuMs: 310, lastLines: "no\n" },
  },
]);

const USAGE = new Map([
  [FIRST, { memBytes: 31.4 * MIB, peakBytes: 40 * MIB, cpuMs: 90_000 }],
]);

Deno.test("processLines() shows a tree, with one word for each cell before the name", () => {
  const options = { usage: USAGE, nowMs: TIME + 3_600_000 };
  assertEquals(processLines(PROCESSES, { ...options, width: undefined }), [
    "PID      STATE     TIME  MEM      PEAK    CPU    NODE  NAME",
    "3fecd01  running   1h    31.4MiB  40MiB   1m     -     workers.ts",
    "8a3be21  exited:3  12s   -        131MiB  0.31s  -       a worker",
  ]);
  assertEquals(
    processLines(PROCESSES, { ...options, width: 60 })[1],
    [
      "3fecd01  running   1h    31.4MiB  40MiB   1m     -     work…",
    ][0],
  );
});

Deno.test("processData() has everything that is known", () => {
  const none = {
    ...{ ended: null, resources: null, lastLines: null },
    ...{ unread: null, undelivered: null },
  };
  const started = new Date(TIME).toISOString();
  assertEquals(processData(PROCESSES, USAGE), [
    {
      ...{ pid: FIRST, parent: null, name: "workers.ts", node: null, state: "running" },
      ...{ ...none, status: null, started },
      ...{ memory: 31.4 * MIB, peak: 40 * MIB, cpuMs: 90_000 },
    },
    {
      ...{ pid: WORKER, parent: FIRST, name: "a worker", node: null, state: "ended" },
      ...{ ...none, status: { code: 3 }, started },
      ended: new Date(TIME + 12_000).toISOString(),
      ...{ memory: null, peak: 131 * MIB, cpuMs: 310, lastLines: "no\n" },
    },
  ]);
});

Deno.test("what channels still held, and what was not delivered, is told in lines and as data", () => {
  const channel = (name: string, values: number) => ({
    ...{ remote: FIRST, name, values, bytes: values * 512 },
  });
  const ended = (more: Partial<ExitRecord>) =>
    processTable([
      spawned(null, FIRST),
      spawned(FIRST, WORKER, "a worker"),
      {
        ...{ event: "exit", pid: WORKER, status: { code: 0 }, time: TIME },
        record: { peakBytes: null, cpuMs: null, lastLines: "", ...more },
      },
    ]);
  const table: [Partial<ExitRecord>, string[]][] = [
    [{}, []],
    [{ unread: [] }, []],
    [{ unread: [channel("jobs", 30), channel("", 1)] }, [
      '8a3be21 a worker ended without taking 30 values (15 KiB) from 3fecd01 workers.ts "jobs"',
      "8a3be21 a worker ended without taking 1 value (512 B) from 3fecd01 workers.ts",
    ]],
    [{ unread: ["a", "b", "c", "d", "e"].map((name) => channel(name, 2)) }, [
      ...["a", "b", "c", "d"].map((name) =>
        `8a3be21 a worker ended without taking 2 values (1 KiB) from 3fecd01 workers.ts "${name}"`
      ),
      "8a3be21 a worker left values in 1 more channel",
    ]],
    [{ undelivered: "3fecd01 has not got all: it was killed before they had arrived" }, [
      "8a3be21 a worker ended before all that it had sent was delivered: 3fecd01 has not got all: it was " +
      "killed before they had arrived",
    ]],
  ];
  for (const [record, lines] of table) assertEquals(leftLines(ended(record)), lines);
  const [, data] = processData(ended({ unread: [channel("jobs", 3)], undelivered: "why" }), USAGE);
  assertEquals([data?.unread, data?.undelivered], [
    [{ from: FIRST, name: "jobs", values: 3, bytes: 1_536 }],
    "why",
  ]);
});

Deno.test("stateWord() is one word for each end", () => {
  const table: [ExitStatus | null, string][] = [
    [null, "running"],
    [{ code: 0 }, "exited"],
    [{ code: 3 }, "exited:3"],
    [{ signal: "SIGKILL" }, "SIGKILL"],
    [{ killed: "memory: 131 MiB used, 100 MiB asked" }, "killed"],
    [{ lost: "its node did not answer" }, "lost"],
  ];
  for (const [status, word] of table) assertEquals(stateWord(status), word);
});
