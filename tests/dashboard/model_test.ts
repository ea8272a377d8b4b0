/** What a page makes of the events and samples of a run. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import type { Pid } from "../../src/core/pid.ts";
import type { ProcessSample } from "../../src/core/samples.ts";
import { activityBetween, addSegment, type Segment } from "../../src/dashboard/model/activity.ts";
import { textOf } from "../../src/dashboard/model/ansi.ts";
import { findLines, MAX_LINE, MAX_LINES, Output } from "../../src/dashboard/model/output.ts";
import { processPath, routeOf, runPath } from "../../src/dashboard/model/route.ts";
import { RunModel } from "../../src/dashboard/model/run_model.ts";
import { MAX_POINTS, Series } from "../../src/dashboard/model/series.ts";
import {
  byteRateText,
  connectionState,
  coresText,
  countText,
  durationText,
  rateText,
} from "../../src/dashboard/model/texts.ts";
import { barsOf, ticksOf } from "../../src/dashboard/model/timeline.ts";
import { windowOf } from "../../src/dashboard/model/window.ts";
import type { PageEvent } from "../../src/dashboard/messages.ts";
import { FIRST, testPid, WORKER } from "../terminal/events.ts";

const OTHER = testPid("77bb621");

function spawn(pid: Pid, parent: Pid | null, time: number): PageEvent {
  return {
    event: "spawn",
    pid,
    parent,
    name: pid === FIRST ? "main.ts" : "worker",
    node: null,
    time,
  };
}

function exit(pid: Pid, code: number, time: number): PageEvent {
  return { event: "exit", pid, status: { code }, time };
}

function sample(pid: Pid, changes: Partial<ProcessSample> = {}): ProcessSample {
  const usage = { memBytes: 100, cpuMs: 0, ageMs: 0 };
  return { pid, activity: "waits", on: null, waits: "recv", usage, traffic: [], ...changes };
}

function texts(output: Output): string[] {
  return output.lines.map(({ spans }) => textOf(spans));
}

Deno.test("the processes of a run are a tree, and what is told twice counts once", () => {
  const run = new RunModel();
  const events = [
    ...[
      spawn(FIRST, null, 1),
      spawn(WORKER, FIRST, 2),
      exit(WORKER, 3, 5),
      spawn(OTHER, WORKER, 4),
    ],
  ];
  run.took(events);
  run.took(events);
  const rows = run.tree.map((
    { process: { pid, endedMs, status }, depth },
  ) => [pid, depth, endedMs, status]);
  assertEquals(rows, [
    [FIRST, 0, null, null],
    [WORKER, 1, 5, { code: 3 }],
    [OTHER, 2, null, null],
  ]);
  assertEquals(run.running, 2);
  assertEquals(run.find("3fecd01")?.name, "main.ts");
  assertEquals(run.find(""), undefined, "the beginning of all of them");
});

Deno.test("processes whose end nobody noted ended with their run, once all that is known was told", () => {
  const run = new RunModel();
  run.took([spawn(FIRST, null, 1), spawn(WORKER, FIRST, 2), exit(WORKER, 0, 5)]);
  assertEquals(run.runEnded(9), false, "their ends may be on their way");
  assertEquals(run.running, 1);
  run.took([{ event: "over" }]);
  assertEquals(run.runEnded(9), true);
  assertEquals(run.running, 0);
  const rows = run.tree.map(({ process: { endedMs, status } }) => [endedMs, status]);
  assertEquals(rows, [[9, { lost: "its bridge ended before it was known how" }], [5, { code: 0 }]]);
  assertEquals(run.runEnded(9), false);
});

Deno.test("a page is live only if its server is there, and knows what is", () => {
  assertEquals(connectionState("open", null), { state: "open", text: "live" });
  assertEquals(connectionState("open", "the bridge is gone").state, "lost");
  assertEquals(connectionState("lost", null), { state: "lost", text: "disconnected" });
  assertEquals(connectionState("connecting", null).state, "connecting");
});

Deno.test("from two samples it is known how much of a core was used, and what was sent a second", () => {
  const run = new RunModel();
  run.took([spawn(FIRST, null, 0), spawn(WORKER, FIRST, 0)]);
  const sent = (values: number, bytes: number, full: string[] = []) => ({
    traffic: [{ remote: WORKER, values, bytes, full }],
  });
  const used = (cpuMs: number, ageMs = 0) => ({ usage: { memBytes: 500, cpuMs, ageMs } });
  run.sampled(10_000, [sample(FIRST, { ...sent(100, 1_000), ...used(40) })]);
  assertEquals(run.seen(FIRST)?.cores, null);
  run.sampled(12_000, [sample(FIRST, { ...sent(150, 2_000, ["jobs"]), ...used(540) })]);
  assertEquals(run.seen(FIRST)?.cores, 0.25);
  const [edge] = run.traffic.edges();
  assertEquals([edge?.from, edge?.to, edge?.valuesPerSecond, edge?.bytesPerSecond, edge?.full], [
    ...[FIRST, WORKER, 25, 500],
    ["jobs"],
  ]);
  // The node has not looked again: the last number counts.
  run.sampled(13_000, [sample(FIRST, used(540, 1_000))]);
  assertEquals(run.seen(FIRST)?.cores, 0.25);
  run.sampled(14_000, [sample(FIRST, used(540))]);
  assertEquals(run.seen(FIRST)?.cores, 0);
  assertEquals(run.series.values[0], [500, 500, 500, 500]);
  run.took([exit(FIRST, 0, 15_000)]);
  assertEquals(run.traffic.edges()[0]?.full, []);
  // A sample that was taken before the end comes after it.
  run.sampled(15_000, [sample(FIRST, used(900))]);
  assertEquals(run.seen(FIRST)?.atMs, 14_000);
});

Deno.test("a process that uses the CPU computes, whatever it waits for just now", () => {
  assertEquals(activityBetween("waits", 0.6), "computes");
  assertEquals(activityBetween("idle", 0.5), "computes");
  assertEquals(activityBetween("waits", 0.1), "waits");
  assertEquals(activityBetween("waits", null), "waits");
  assertEquals(activityBetween("stopped", 1), "stopped");
});

Deno.test("times in which a process did the same are one segment", () => {
  const segments: Segment[] = [];
  const add = (
    fromMs: number,
    toMs: number,
    activity: Segment["activity"],
    on: Pid | null = null,
  ) => addSegment(segments, { fromMs, toMs, activity, on });
  add(0, 10, "waits");
  add(10, 20, "waits");
  add(20, 30, "waits", WORKER);
  add(30, 40, "computes");
  add(60, 70, "computes");
  assertEquals(segments.map(({ fromMs, toMs }) => [fromMs, toMs]), [
    ...[[0, 20], [20, 30], [30, 40], [60, 70]],
  ]);
  for (let at = 100; at < 3_000; at += 2) add(at, at + 1, "waits");
  assertEquals(segments.length, 500);
});

Deno.test("a bar is what was seen, over what was not, to the end of the process", () => {
  const scale = { fromMs: 0, toMs: 1_000, width: 100 };
  const process = {
    ...{ pid: FIRST, parent: null, name: "main.ts", node: null, resources: null, record: null },
    ...{ startedMs: 100, endedMs: null, status: null },
  };
  const segments: Segment[] = [{ fromMs: 200, toMs: 400, activity: "computes", on: null }];
  assertEquals(barsOf(process, segments, scale, 900), {
    bars: [{ x: 10, width: 80, kind: "unseen" }, { x: 20, width: 20, kind: "computes" }],
    end: undefined,
  });
  const failed = { ...process, endedMs: 300, status: { code: 1 } };
  assertEquals(barsOf(failed, segments, scale, 900), {
    bars: [{ x: 10, width: 20, kind: "unseen" }, { x: 20, width: 10, kind: "computes" }],
    end: { x: 30, ok: false },
  });
  const later = { fromMs: 500, toMs: 1_000, width: 100 };
  assertEquals(barsOf(failed, segments, later, 900), { bars: [], end: undefined });
  assertEquals(barsOf({ ...process, startedMs: 899 }, [], scale, 900).bars[0]?.width, 2);
});

Deno.test("ticksOf() gives round times that are far enough apart", () => {
  assertEquals(ticksOf({ fromMs: 1_500, toMs: 10_500, width: 900 }, 150), [
    2_000,
    4_000,
    6_000,
    8_000,
    10_000,
  ]);
  assertEquals(ticksOf({ fromMs: 0, toMs: 600_000, width: 400 }, 80), [
    0,
    120_000,
    240_000,
    360_000,
    480_000,
    600_000,
  ]);
  assertEquals(ticksOf({ fromMs: 5, toMs: 5, width: 400 }, 80), []);
  assert(ticksOf({ fromMs: 0, toMs: 1e10, width: 400 }, 80).length <= 5);
});

Deno.test("output is cut into lines, of each stream of each process its own", () => {
  const output = new Output();
  output.add(FIRST, 1, "one\ntw", 1);
  output.add(WORKER, 1, "worker\n", 2);
  output.add(FIRST, 2, "err\n", 3);
  output.add(FIRST, 1, "o\n\nlast", 4);
  output.say("the run was told to stop", 5);
  assertEquals(texts(output), [
    "one",
    "two",
    "worker",
    "err",
    "",
    "last",
    "the run was told to stop",
  ]);
  assertEquals(output.lines.slice(0, 4).map(({ pid, fd }) => `${fd} ${pid}`), [
    ...[`1 ${FIRST}`, `1 ${FIRST}`, `1 ${WORKER}`, `2 ${FIRST}`],
  ]);
  assertEquals(output.lines.map(({ number }) => number), [0, 1, 2, 3, 4, 5, 6]);
});

Deno.test("a line that is written over shows what was written last, and a style lasts over lines", () => {
  const output = new Output();
  output.add(FIRST, 1, "10 %\r50 %", 1);
  assertEquals(texts(output), ["50 %"]);
  output.add(FIRST, 1, "\r99 %\r\n", 1);
  assertEquals(texts(output), ["99 %"]);
  output.add(FIRST, 1, "\x1b[31mred\nstill\x1b[0m not\n", 1);
  assertEquals(output.lines.slice(1).map(({ spans }) => spans.map(({ style }) => style.fg)), [
    ...[[1], [1, undefined]],
  ]);
});

Deno.test("the last lines are kept, and long ones are cut", () => {
  const output = new Output();
  for (let count = 0; count < 3 * MAX_LINES; count += 100) {
    output.add(
      FIRST,
      1,
      Array.from({ length: 100 }, (_, index) => `${count + index}\n`).join(""),
      1,
    );
  }
  assert(output.lines.length >= MAX_LINES && output.lines.length <= MAX_LINES * 1.1);
  assert(output.isCut);
  assertEquals(texts(output).at(-1), `${3 * MAX_LINES - 1}`);
  assertEquals(output.lines.at(-1)?.number, 3 * MAX_LINES - 1);
  output.add(FIRST, 1, "x".repeat(10 * MAX_LINE), 1);
  assertEquals(texts(output).at(-1)?.length, MAX_LINE);
});

Deno.test("findLines() finds text across styles, in whatever case, of one process or all", () => {
  const output = new Output();
  output.add(FIRST, 1, "Hello \x1b[1mWorld\x1b[0m\nother\n", 1);
  output.add(WORKER, 1, "hello world\n", 1);
  const found = (pid: Pid | null, query: string) =>
    findLines(output.lines, { pid, query }).map(({ number }) => number);
  assertEquals(found(null, "o wOr"), [0, 2]);
  assertEquals(found(FIRST, "o wor"), [0]);
  assertEquals(found(FIRST, ""), [0, 1]);
  assertEquals(found(null, ""), [0, 1, 2]);
  assertEquals(found(null, "nothing"), []);
});

Deno.test("a series has a bounded number of points, from the beginning to now", () => {
  const series = new Series(2);
  for (let count = 0; count < 10_000; count++) series.add(count * 1_000, count, null);
  assert(series.times.length <= MAX_POINTS && series.times.length > MAX_POINTS / 2);
  assertEquals(series.times[0], 0);
  assert(series.times.at(-1)! > 9_900);
  assertEquals(series.values[0], series.times);
  assertEquals(series.values[1]?.every((value) => value === null), true);
});

Deno.test("windowOf() gives the rows that are seen, and a few more", () => {
  assertEquals(windowOf({ top: 0, height: 300, rowHeight: 30, count: 1_000 }), {
    first: 0,
    end: 18,
  });
  assertEquals(windowOf({ top: 3_000, height: 300, rowHeight: 30, count: 1_000 }), {
    ...{ first: 92, end: 118 },
  });
  assertEquals(windowOf({ top: 3_000, height: 300, rowHeight: 30, count: 50 }), {
    first: 50,
    end: 50,
  });
  assertEquals(windowOf({ top: 0, height: 0, rowHeight: 30, count: 0 }), { first: 0, end: 0 });
});

Deno.test("each run and process has an address", () => {
  assertEquals(routeOf("/"), { view: "cluster" });
  assertEquals(routeOf("/favicon.ico"), { view: "cluster" });
  assertEquals(routeOf("/runs/"), { view: "cluster" });
  assertEquals(routeOf(runPath("bafo-kine")), { view: "processes", run: "bafo-kine" });
  assertEquals(routeOf(runPath("a/b ü", "output")), { view: "output", run: "a/b ü" });
  assertEquals(routeOf("/runs/x/nothing"), { view: "processes", run: "x" });
  assertEquals(routeOf(processPath("bafo-kine", WORKER)), {
    ...{ view: "process", run: "bafo-kine", pid: "8a3be21" },
  });
  assertEquals(routeOf("/runs/%E0%A4%A"), { view: "processes", run: "%E0%A4%A" });
});

Deno.test("numbers are short, and have units", () => {
  const durations: [number, string][] = [
    [0, "0 ms"],
    [-5, "0 ms"],
    [999.4, "999 ms"],
    [12_340, "12.3 s"],
    [245_000, "4 min 5 s"],
    [7_380_000, "2 h 3 min"],
    [93_600_000, "1 d 2 h"],
  ];
  for (const [ms, text] of durations) assertEquals(durationText(ms), text);
  const counts: [number, string][] = [
    [0, "0"],
    [7, "7"],
    [0.25, "0.25"],
    [950.4, "950"],
    [999.9, "1 k"],
    [
      1_234,
      "1.2 k",
    ],
    [3.44e6, "3.4 M"],
    [2e9, "2 G"],
  ];
  for (const [count, text] of counts) assertEquals(countText(count), text);
  assertEquals([rateText(0), rateText(1_500)], ["–", "1.5 k/s"]);
  assertEquals([byteRateText(0), byteRateText(2_048.3)], ["–", "2 KiB/s"]);
  assertEquals([coresText(null), coresText(0.123)], ["–", "12 %"]);
});
