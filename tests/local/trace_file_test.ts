/** The file of `DEPLOY_TRACE`. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import type { Pid } from "../../src/core/pid.ts";
import { TraceFile } from "../../src/local/trace_file.ts";

const FIRST = `${"1".repeat(32)}@10.0.0.1:5` as Pid;

Deno.test("TraceFile writes what there is within a second, so that a run that is killed has a trace", async () => {
  const path = await Deno.makeTempFile();
  let timer: { ms: number; then: () => void } | undefined;
  const startTimer = (ms: number, then: () => void) => {
    timer = { ms, then };
    return () => timer = undefined;
  };
  const trace = new TraceFile(path, (text) => assertEquals(text, ""), startTimer);
  try {
    trace.took({ event: "spawn", parent: null, pid: FIRST, name: "main.ts", node: null, time: 5 });
    assertEquals(timer?.ms, 1_000);
    timer?.then();
    assertEquals(timer, undefined, "nothing is left to be written");
    const named = await Deno.readTextFile(path);
    assertEquals(JSON.parse(`${named}]}`).traceEvents.length, 3);

    await trace.looks.does({ pid: FIRST, doing: { activity: "idle" }, time: 10, everyMs: 5 });
    assertEquals(timer, undefined, "the slice has yet to end");
    await trace.looks.does({ pid: FIRST, doing: { activity: "stopped" }, time: 15, everyMs: 5 });
    assertEquals(timer?.ms, 1_000);
  } finally {
    trace.end();
  }
  assertEquals(timer, undefined);
  const { traceEvents } = JSON.parse(await Deno.readTextFile(path));
  const lasting = traceEvents.filter(({ ph }: { ph: string }) => ph === "X");
  assertEquals(lasting.map(({ cat, dur }: { cat: string; dur: number }) => [cat, dur]), [
    ["idle", 5_000],
    ["process", 10_000],
  ]);
  await Deno.remove(path);
});
