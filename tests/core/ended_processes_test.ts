/** The statuses of ended processes are kept, compactly and within a bound. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { EndedProcesses } from "../../src/core/ended_processes.ts";
import type { ExitStatus } from "../../src/core/exit_status.ts";
import { makePid, type Pid, randomId } from "../../src/core/pid.ts";

const STATUSES: readonly ExitStatus[] = [
  { code: 0 },
  { code: 3 },
  { code: -1 },
  { signal: "SIGKILL" },
  { killed: "memory: 131 MiB used, 100 MiB asked" },
  { lost: "node 10.0.0.3:9999 did not answer for 10 s" },
];

function newPid(): Pid {
  return makePid(randomId(), "10.0.0.1", 4100);
}

Deno.test("EndedProcesses gives the same statuses as a map, for thousands of processes", () => {
  const ended = new EndedProcesses();
  const model = new Map<Pid, ExitStatus>();
  for (let index = 0; index < 20_000; index++) {
    const [pid, status] = [newPid(), STATUSES[index % STATUSES.length]!];
    assertEquals(ended.get(pid), undefined);
    ended.add(pid, status);
    model.set(pid, status);
  }
  for (const [pid, status] of model) assertEquals(ended.get(pid), status);
  for (let index = 0; index < 20_000; index++) assertEquals(ended.has(newPid()), false);
});

Deno.test("EndedProcesses distinguishes processes whose Pids differ in one digit", () => {
  const ended = new EndedProcesses();
  const id = "0123456789abcdef".repeat(2);
  ended.add(makePid(id, "a", 1), { code: 0 });
  for (let at = 0; at < 32; at++) {
    const other = makePid(
      `${id.slice(0, at)}${id[at] === "7" ? "8" : "7"}${id.slice(at + 1)}`,
      "a",
      1,
    );
    assertEquals(ended.has(other), false, `digit ${at}`);
  }
});

Deno.test("EndedProcesses drops the oldest beyond its bound, and never one of the latest", () => {
  const LIMIT = 100;
  const ended = new EndedProcesses(LIMIT);
  const pids: Pid[] = [];
  for (let index = 0; index < 10 * LIMIT; index++) {
    const pid = newPid();
    pids.push(pid);
    ended.add(pid, { code: index % 200 });
    const known = pids.filter((pid) => ended.has(pid));
    assert(known.length >= Math.min(pids.length, LIMIT) && known.length <= 2 * LIMIT);
    assertEquals(known, pids.slice(-known.length), "what is known is the latest");
  }
});

Deno.test("EndedProcesses takes more different statuses than a generation can hold", () => {
  const ended = new EndedProcesses();
  const pids = Array.from({ length: 70_000 }, newPid);
  for (const [index, pid] of pids.entries()) {
    ended.add(pid, { killed: `memory: ${index} MiB used` });
  }
  for (const [index, pid] of pids.entries()) {
    assertEquals(ended.get(pid), { killed: `memory: ${index} MiB used` });
  }
});

Deno.test("a million ended processes take less than 30 bytes each", () => {
  const ended = new EndedProcesses();
  const digits = (number: number) => number.toString(16).padStart(8, "0");
  for (let index = 1; index <= 1_000_000; index++) {
    const half = digits(Math.imul(index, 0x9e3779b1) >>> 0);
    ended.add(makePid(half + digits(index) + half + half, "a", 1), { code: index % 2 });
  }
  assert(ended.bytes < 30e6, `${ended.bytes} bytes`);
});
