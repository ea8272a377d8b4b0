/** When a process is looked at, and what is told of it, by hand-moved time. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import type { SeenDoing } from "../../src/core/doing.ts";
import type { Pid } from "../../src/core/pid.ts";
import type { Wait, WaitState } from "../../src/core/waits.ts";
import { DoingWatch, nextLookMs } from "../../src/host/doing_watch.ts";

const PID = `${"1".repeat(32)}@10.0.0.1:5` as Pid;
const START_MS = 1_000_000;

Deno.test("an old process that does the same is looked at seldom, one of many never often", () => {
  const table: [ageMs: number, sameMs: number, processes: number, ms: number][] = [
    [0, 0, 1, 100],
    [600, 500, 1, 125],
    [3_200, 0, 1, 200],
    [60_000, 0, 1, 1_000],
    [60_000, 8_000, 1, 2_000],
    [60_000, 60_000, 1, 5_000],
    [0, 0, 1_000, 10_000],
  ];
  for (const [ageMs, sameMs, processes, ms] of table) {
    assertEquals(nextLookMs(ageMs, sameMs, processes), ms);
  }
});

function waiting(progress: number, ...waits: Wait[]): WaitState {
  return { state: "waits", report: { waits, count: waits.length, progress, mayWake: false } };
}

/** A watch of a process that answers, and uses the CPU, as `process` says. */
function setUp(lookMs?: number) {
  const process = {
    answer: waiting(0) as WaitState | undefined,
    /** How long it takes to answer, and the CPU time that it uses meanwhile. */
    answerMs: 0,
    answerCpuMs: 0,
    cpuMs: 0,
    state: "S",
  };
  const told: SeenDoing[] = [];
  let [nowMs, asked] = [START_MS, 0];
  let timer: { ms: number; then: () => void } | undefined;
  const watch = new DoingWatch({
    pid: PID,
    osPid: 42,
    ask: () => {
      asked++;
      nowMs += process.answerMs;
      process.cpuMs += process.answerCpuMs;
      return Promise.resolve(process.answer);
    },
    processes: () => 1,
    lookMs,
    tell: (seen) => Promise.resolve(void told.push(seen)),
    startTimer: (ms, then) => {
      const own = timer = { ms, then };
      return () => {
        if (timer === own) timer = undefined;
      };
    },
    read: () => ({ state: process.state, cpuMs: process.cpuMs, childrenCpuMs: 0 }),
    now: () => nowMs,
  });
  /** Lets the time of the next look come, and what follows; gives how long that took, and what was told. */
  const look = async (cpuMs = 0) => {
    const due = timer;
    timer = undefined;
    process.cpuMs += cpuMs;
    nowMs += due?.ms ?? 0;
    due?.then();
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    return { afterMs: due?.ms, told: told.splice(0) };
  };
  return { process, watch, look, asked: () => asked };
}

Deno.test("only what is new is told, since when, and how far apart the looks were", async () => {
  const { process, look } = setUp();
  const seen = (doing: SeenDoing["doing"], afterMs: number, everyMs = 100): SeenDoing[] => [
    { pid: PID, doing, time: START_MS + afterMs, everyMs, cpuMs: 0 },
  ];
  assertEquals(await look(), { afterMs: 100, told: seen({ activity: "idle" }, 100) });
  assertEquals((await look()).told, []);
  const send = (unreadBytes: number) =>
    waiting(1, {
      ...{ kind: "send", remote: PID, name: "x".repeat(100) },
      ...{ select: false, unreadBytes, received: true },
    });
  process.answer = send(7);
  const kept: Wait = {
    ...{ kind: "send", remote: PID, name: "x".repeat(64) },
    ...{ select: false, unreadBytes: 0, received: true },
  };
  assertEquals((await look()).told, seen({ activity: "waits", wait: kept }, 300));
  process.answer = send(8);
  assertEquals((await look()).told, []);
  process.answer = { state: "stopped" };
  assertEquals((await look()).told, seen({ activity: "stopped" }, 500));
});

Deno.test("a process that has computed for most of the time since the last look is not asked", async () => {
  const { look, asked } = setUp();
  await look();
  const { told } = await look(60);
  assertEquals(told, [
    { pid: PID, doing: { activity: "computes" }, time: START_MS + 100, everyMs: 100, cpuMs: 0 },
  ]);
  assertEquals(asked(), 1);
  await look(40);
  assertEquals(asked(), 2);
});

Deno.test("what a process does that does not answer, it has done since it was asked", async () => {
  for (
    const answer of [
      { state: "computes", forMs: 500 },
      { state: "silent", inspected: false },
    ] as const
  ) {
    const { process, look } = setUp();
    Object.assign(process, { answer, answerMs: 500 });
    const { told } = await look();
    assertEquals(told.map(({ doing, time }) => [doing.activity, time - START_MS]), [
      [answer.state, 100],
    ]);
  }
});

Deno.test("a process is looked at seldom while it does the same, and often once it communicates", async () => {
  const { process, look } = setUp();
  for (let last = 0; last < 5_000;) last = (await look()).afterMs ?? 5_000;
  assertEquals((await look()).afterMs, 5_000);
  process.answer = waiting(1);
  assertEquals((await look()).told, []);
  assertEquals((await look()).afterMs, 1_000);
});

Deno.test("a process that computes now and then is looked at often, though it seems to do the same", async () => {
  const { look } = setUp();
  for (let ageMs = 0; ageMs < 40_000;) ageMs += (await look()).afterMs!;
  assertEquals((await look()).afterMs, 5_000);
  await look(400);
  for (let times = 0; times < 5; times++) {
    assertEquals(await look(100), { afterMs: 1_000, told: [] });
  }
  for (let times = 0; times < 5; times++) await look(10);
  assertEquals((await look()).afterMs, 1_250);
});

Deno.test("what was computed before a late answer is told, and the answer counts from when it came", async () => {
  const { process, look } = setUp(100);
  await look();
  Object.assign(process, { answerMs: 300, answerCpuMs: 290 });
  const { told } = await look(30);
  assertEquals(told, [
    {
      ...{ pid: PID, doing: { activity: "computes" }, time: START_MS + 200 },
      ...{ everyMs: 400, cpuMs: 30 },
    },
    { pid: PID, doing: { activity: "idle" }, time: START_MS + 500, everyMs: 400, cpuMs: 320 },
  ]);
});

Deno.test("a process can be looked at steadily", async () => {
  const { look } = setUp(100);
  for (let last = 0; last < 600; last++) assertEquals((await look()).afterMs, 100);
});

Deno.test("nothing is told of a process that has ended, or is no longer watched", async () => {
  const ended = setUp();
  ended.process.answer = undefined;
  assertEquals((await ended.look()).told, []);
  assertEquals(await ended.look(), { afterMs: undefined, told: [] });
  const { watch, look } = setUp();
  await look();
  watch.stop();
  assertEquals(await look(), { afterMs: undefined, told: [] });
});
