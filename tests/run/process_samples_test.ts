/** What is shown of samples of processes. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import type { NodeSample } from "../../src/core/samples.ts";
import type { Wait, WaitState } from "../../src/core/waits.ts";
import { describeSamples } from "../../src/run/process_samples.ts";
import { FIRST, testPid, WORKER } from "../terminal/events.ts";

const HUB = testPid("77bb621");
const USAGE = { memBytes: 1, cpuMs: 2, ageMs: 3 };
const PROCESSES = [{ pid: FIRST, name: "main.ts", node: "a:1" }, { pid: WORKER, name: "worker" }];

function waiting(...waits: Wait[]): WaitState {
  return { state: "waits", report: { waits, count: waits.length, progress: 0, mayWake: false } };
}

function sampled(state: WaitState): NodeSample {
  return { pid: WORKER, state, usage: USAGE, traffic: [] };
}

Deno.test("describeSamples() says what each process does, and which one it waits for", () => {
  const recv = (remote: typeof FIRST, select = false): Wait => {
    return { kind: "recv", remote, name: "", select };
  };
  const table: [WaitState, string, typeof FIRST | null, string][] = [
    [waiting(recv(FIRST)), "waits", FIRST, "recv from 3fecd01 main.ts"],
    [
      waiting(recv(FIRST, true), recv(HUB, true)),
      ...["waits", null, "select: recv from 3fecd01 main.ts or recv from 77bb621"] as const,
    ],
    [waiting({ kind: "spawn", name: "merge" }), "waits", null, "spawn merge"],
    [waiting(), "idle", null, "timers, or I/O of its own"],
    [{ state: "computes", forMs: 12_000 }, "computes", null, "computing for 12 s"],
    [{ state: "stopped" }, "stopped", null, "stopped by a signal"],
    [
      { state: "silent", inspected: false },
      "silent",
      null,
      "no answer, without computing: in a blocking call",
    ],
  ];
  for (const [state, activity, on, waits] of table) {
    const [sample] = describeSamples(PROCESSES, new Map([[WORKER, sampled(state)]]));
    assertEquals(sample as unknown, {
      pid: WORKER,
      activity,
      on,
      waits,
      usage: USAGE,
      traffic: [],
    });
  }
});

Deno.test("a process of which there is no sample has ended, or its node does not answer", () => {
  assertEquals(describeSamples(PROCESSES, new Map()), []);
  const silent = describeSamples(PROCESSES, new Map(), { silent: new Set(["a:1"]) });
  assertEquals(silent.map(({ pid, activity, waits }) => [pid, activity, waits]), [
    [FIRST, "silent", "its node a:1 does not answer"],
  ]);
});
