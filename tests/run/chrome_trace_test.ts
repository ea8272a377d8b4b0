/** A run as a trace for other tools. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import type { Doing } from "../../src/core/doing.ts";
import type { RunEvent } from "../../src/core/events.ts";
import type { Pid } from "../../src/core/pid.ts";
import { ChromeTrace, type TraceEntry, TraceText } from "../../src/run/chrome_trace.ts";

const FIRST = `${"1".repeat(32)}@10.0.0.1:5` as Pid;
const WORKER = `${"2".repeat(32)}@10.0.0.2:5` as Pid;

function spawn(pid: Pid, parent: Pid | null, node: string | null, time: number): RunEvent {
  return { event: "spawn", parent, pid, name: parent === null ? "main.ts" : "work", node, time };
}

function traceOf(...events: RunEvent[]): { trace: ChromeTrace; entries: TraceEntry[] } {
  const trace = new ChromeTrace();
  return { trace, entries: events.flatMap((event) => trace.took(event)) };
}

/** Without what only names rows. */
function shown(entries: readonly TraceEntry[]): TraceEntry[] {
  return entries.filter(({ ph }) => ph !== "M");
}

Deno.test("ChromeTrace has a slice for each process, on its node, and an arrow for each spawn", () => {
  const { entries } = traceOf(
    spawn(FIRST, null, "10.0.0.1:9", 1_000),
    spawn(WORKER, FIRST, "10.0.0.2:9", 1_005),
    {
      ...{ event: "exit", pid: WORKER, status: { code: 0 }, time: 1_025 },
      record: { peakBytes: 7, cpuMs: 3, lastLines: "" },
    },
    { event: "exit", pid: FIRST, status: { code: 0 }, time: 1_030 },
  );
  assertEquals(entries.filter(({ ph }) => ph === "M"), [
    { ph: "M", name: "process_name", pid: 1, tid: 0, args: { name: "10.0.0.1:9" } },
    { ph: "M", name: "thread_name", pid: 1, tid: 1, args: { name: "1111111 main.ts" } },
    { ph: "M", name: "thread_sort_index", pid: 1, tid: 1, args: { sort_index: 1 } },
    { ph: "M", name: "process_name", pid: 2, tid: 0, args: { name: "10.0.0.2:9" } },
    { ph: "M", name: "thread_name", pid: 2, tid: 2, args: { name: "2222222 work" } },
    { ph: "M", name: "thread_sort_index", pid: 2, tid: 2, args: { sort_index: 2 } },
  ]);
  const process = { ph: "X", cat: "process" };
  assertEquals(shown(entries), [
    { ph: "s", name: "spawn", cat: "spawn", id: 2, ts: 5_000, pid: 1, tid: 1 },
    { ph: "f", bp: "e", name: "spawn", cat: "spawn", id: 2, ts: 5_000, pid: 2, tid: 2 },
    {
      ...{ ...process, name: "work", ts: 5_000, dur: 20_000, pid: 2, tid: 2 },
      args: { pid: WORKER, status: "success", peakBytes: 7, cpuMs: 3 },
    },
    {
      ...{ ...process, name: "main.ts", ts: 0, dur: 30_000, pid: 1, tid: 1 },
      args: { pid: FIRST, status: "success" },
    },
  ]);
});

Deno.test("ChromeTrace shows output, how a process failed, and what the system said", () => {
  const bytes = new TextEncoder().encode("hello\n");
  const { entries } = traceOf(
    spawn(FIRST, null, null, 0),
    { event: "output", pid: FIRST, fd: 2, bytes, time: 1 },
    { event: "eof", pid: FIRST, fd: 2 },
    { event: "said", text: "a line", time: 2 },
    { event: "exit", pid: FIRST, status: { signal: "SIGKILL" }, time: 3 },
    { event: "output", pid: FIRST, fd: 1, bytes, time: 4 },
  );
  const at = { pid: 1, tid: 1 };
  assertEquals(shown(entries), [
    {
      ...{ ph: "i", s: "t", name: "stderr", cat: "output", ts: 1_000, ...at },
      args: { bytes: 6, text: "hello\n" },
    },
    { ph: "i", s: "g", name: "a line", cat: "deploy", ts: 2_000, pid: 0, tid: 0 },
    {
      ...{ ph: "X", name: "main.ts", cat: "process", ts: 0, dur: 3_000, ...at },
      args: { pid: FIRST, status: "SIGKILL" },
    },
    { ph: "i", s: "t", name: "exited: SIGKILL", cat: "exit", ts: 3_000, ...at, args: {} },
  ]);
});

Deno.test("what a process was seen to do is a slice as it goes on, with the CPU time that it used", () => {
  const { trace } = traceOf(spawn(FIRST, null, null, 0));
  const send = (unreadBytes: number): Doing => ({
    activity: "waits",
    wait: {
      ...{ kind: "send", remote: WORKER, name: "jobs" },
      ...{ select: false, unreadBytes, received: true },
    },
  });
  const seen: [time: number, doing: Doing, cpuMs?: number][] = [
    [10, { activity: "computes" }, 40],
    [20, send(5), 70],
    [30, { activity: "idle" }, 70],
    [40, { activity: "stopped" }],
  ];
  trace.took(spawn(WORKER, FIRST, null, 5));
  const entries = seen.flatMap(([time, doing, cpuMs]) =>
    trace.does({ pid: FIRST, doing, time, everyMs: 1, ...cpuMs === undefined ? {} : { cpuMs } })
  );
  const slice = { ph: "X", pid: 1, tid: 1, dur: 10_000 };
  const args = { sampled: true, everyMs: 1 };
  assertEquals(entries, [
    { ...slice, name: "computing", cat: "computes", ts: 10_000, args: { ...args, cpuMs: 30 } },
    {
      ...{ ...slice, name: 'send to 2222222 work "jobs"', cat: "waits", ts: 20_000 },
      args: { ...args, cpuMs: 0 },
    },
    { ...slice, name: "timers, or I/O of its own", cat: "idle", ts: 30_000, args },
  ]);
  assertEquals(trace.end().map(({ dur }) => dur), [40_000, 35_000]);
});

Deno.test("what a process was seen to do are slices within its life, which say that they are samples", () => {
  const trace = new ChromeTrace({ keepsEnded: true });
  const end = { event: "exit", pid: WORKER, status: { code: 0 }, time: 1_050 } as const;
  for (const event of [spawn(FIRST, null, null, 1_000), spawn(WORKER, FIRST, null, 1_010), end]) {
    trace.took(event);
  }
  const recv = { kind: "recv", remote: FIRST, name: "", select: false } as const;
  const seen: [pid: Pid, doing: Doing, time: number][] = [
    [WORKER, { activity: "computes" }, 1_005],
    [WORKER, { activity: "waits", wait: recv }, 1_020],
    [FIRST, { activity: "waits", wait: { kind: "wait", remote: WORKER, select: false } }, 1_040],
    [WORKER, { activity: "silent" }, 1_045],
    [WORKER, { activity: "idle" }, 1_060],
    [`${"3".repeat(32)}@10.0.0.1:5` as Pid, { activity: "stopped" }, 1_040],
    [FIRST, { activity: "idle" }, 1_070],
  ];
  const entries = seen.flatMap(([pid, doing, time]) =>
    trace.does({ pid, doing, time, everyMs: 10.4 })
  );
  const args = { sampled: true, everyMs: 10 };
  const slice = { ph: "X", pid: 1, args };
  assertEquals([...entries, ...trace.end()], [
    { ...slice, tid: 2, name: "computing", cat: "computes", ts: 10_000, dur: 10_000 },
    { ...slice, tid: 2, name: "recv from 1111111 main.ts", cat: "waits", ts: 20_000, dur: 25_000 },
    { ...slice, tid: 2, name: "no answer", cat: "silent", ts: 45_000, dur: 5_000 },
    { ...slice, tid: 1, name: "wait 2222222 work", cat: "waits", ts: 40_000, dur: 30_000 },
    {
      ...{ ph: "X", pid: 1, tid: 1, name: "main.ts", cat: "process", ts: 0, dur: 70_000 },
      args: { pid: FIRST, running: true },
    },
  ]);
});

Deno.test("a trace from a time on has the rows of what runs then, and what ended later", () => {
  const trace = new ChromeTrace({ keepsEnded: true, fromMs: 1_050 });
  const bytes = new TextEncoder().encode("hello\n");
  const entries = [
    spawn(FIRST, null, "10.0.0.1:9", 1_000),
    spawn(WORKER, FIRST, "10.0.0.2:9", 1_010),
    { event: "output", pid: FIRST, fd: 1, bytes, time: 1_020 } as const,
    { event: "exit", pid: WORKER, status: { code: 0 }, time: 1_030 } as const,
  ].flatMap((event) => trace.took(event));
  assertEquals(entries, []);
  const shown = ([[1_005, "idle"], [1_040, "stopped"], [1_060, "computes"]] as const)
    .flatMap(([time, activity]) =>
      trace.does({ pid: FIRST, doing: { activity }, time, everyMs: 1 })
    );
  const rows = [...shown, ...trace.end(1_070)].map(({ ph, name, ts, dur }) => [ph, name, ts, dur]);
  assertEquals(rows, [
    ["M", "process_name", undefined, undefined],
    ["M", "thread_name", undefined, undefined],
    ["M", "thread_sort_index", undefined, undefined],
    ["X", "stopped by a signal", 40_000, 20_000],
    ["X", "computing", 60_000, 10_000],
    ["X", "main.ts", 0, 70_000],
  ]);
});

Deno.test("TraceText is JSON, whatever it has", () => {
  for (const parts of [[], [1], [1, 2], [1, 0, 2]]) {
    const text = new TraceText();
    const entries = parts.map((count) => Array.from({ length: count }, (_, id) => ({ id })));
    const last = [{ id: "last" }];
    for (const end of [[], last]) {
      const whole = new TraceText();
      const written = entries.map((part) => whole.add(part)).join("") + whole.end(end);
      assertEquals(JSON.parse(written).traceEvents, [...entries.flat(), ...end]);
    }
    assertEquals(JSON.parse(text.end([])).displayTimeUnit, "ms");
  }
});
