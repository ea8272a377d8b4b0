/** The processes of a run, from its events. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import type { RunEvent } from "../../src/core/events.ts";
import type { Pid } from "../../src/core/pid.ts";
import { processTable, processTree } from "../../src/run/process_table.ts";
import { ended, EXAMPLE, FIRST, spawned, testPid, TIME, WORKER } from "../terminal/events.ts";

Deno.test("processTable() has each process with how it ended, in the order of their starts", () => {
  const resources = { mem: 5, cpu: 1 };
  const record = { peakBytes: 7, cpuMs: 1.5, lastLines: "sorry\n" };
  const events: RunEvent[] = [
    { event: "spawn", parent: null, pid: FIRST, name: "a", node: "n", time: 1, resources },
    { event: "spawn", parent: FIRST, pid: WORKER, name: "b", node: null, time: 2 },
    { event: "exit", pid: WORKER, status: { signal: "SIGKILL" }, time: 9, record },
    // Its start is gone.
    { event: "exit", pid: testPid("1"), status: { code: 0 }, time: 10 },
  ];
  assertEquals(processTable(events), [
    {
      ...{ pid: FIRST, parent: null, name: "a", node: "n", resources, startedMs: 1 },
      ...{ endedMs: null, status: null, record: null },
    },
    {
      ...{ pid: WORKER, parent: FIRST, name: "b", node: null, resources: null, startedMs: 2 },
      ...{ endedMs: 9, status: { signal: "SIGKILL" }, record },
    },
  ]);
  // Events of other kinds do not matter.
  assertEquals(processTable(EXAMPLE).map(({ name, endedMs }) => [name, endedMs]), [
    ["workers.ts", TIME],
    ["worker", TIME],
  ]);
});

Deno.test("processTree() puts each process below its parent", () => {
  const [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map(testPid) as [Pid, Pid, Pid, Pid, Pid];
  const processes = processTable([
    spawned(null, a, "a"),
    spawned(a, b, "b"),
    spawned(a, c, "c"),
    ...ended(b),
    spawned(b, d, "d"),
    // The start of its parent is gone.
    spawned(testPid("f"), e, "e"),
  ]);
  assertEquals(processTree(processes).map(({ process, depth }) => `${depth} ${process.name}`), [
    "0 a",
    "1 b",
    "2 d",
    "1 c",
    "0 e",
  ]);
});

Deno.test("processTree() takes a chain of any length", () => {
  const events: RunEvent[] = [spawned(null, testPid("0"))];
  const pidOf = (at: number) => testPid(at.toString(16).padStart(8, "0"));
  for (let at = 1; at < 20_000; at++) {
    events.push(spawned(at === 1 ? testPid("0") : pidOf(at - 1), pidOf(at)));
  }
  assertEquals(processTree(processTable(events)).at(-1)?.depth, 19_999);
});
