/** Finding a run, or a process of one, by what a person calls it. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import { makePid } from "../../src/core/pid.ts";
import type { RunEntry } from "../../src/core/run_entry.ts";
import { describeTarget, findTarget } from "../../src/core/run_target.ts";

function entry(id: string, name: string): RunEntry {
  const times = { startedMs: 1, endedMs: null, code: null };
  return { ...{ id, name, by: "me@here", from: "h:1", running: 1, spawned: 1 }, ...times };
}

const RUNS = [entry("dada-kine", "main.ts"), entry("bado-kine", "fade")];

const PROCESSES = ["8a3be21", "8a3c000", "dada000", "fade000"].map((digits, at) => ({
  run: RUNS[at % 2]!,
  process: { pid: makePid(digits.padEnd(32, "0"), "10.0.0.1", 4100), name: `work ${at}` },
}));

function found(query: string): string {
  const target = findTarget(query, RUNS, () => PROCESSES);
  if ("why" in target) return target.why;
  return describeTarget(target.run, "process" in target ? target.process : null);
}

Deno.test("findTarget() finds a run, or a process by the beginning of its Pid", () => {
  const table: [query: string, found: string][] = [
    ["dada-kine", "run dada-kine (main.ts)"],
    ["main.ts", "run dada-kine (main.ts)"],
    // A run is meant first.
    ["dada", "run dada-kine (main.ts)"],
    ["fade", "run bado-kine (fade)"],
    ["dada0", "process dada000 work 2 of run dada-kine"],
    ["8a3be21", "process 8a3be21 work 0 of run dada-kine"],
    ["8a3c", "process 8a3c000 work 1 of run bado-kine"],
    [PROCESSES[3]!.process.pid, "process fade000 work 3 of run bado-kine"],
    [
      "8a3",
      `the Pids of 2 processes begin with "8a3": ${
        "8a3be21".padEnd(32, "0")
      } (work 0 of dada-kine), ` +
      `${"8a3c000".padEnd(32, "0")} (work 1 of bado-kine)`,
    ],
    ["8a4", 'there is no run, and no running process, "8a4"; see deploy ps'],
    ["nothing", 'there is no run "nothing"; see deploy ps'],
    ["", "2 runs are running; name one: dada-kine (main.ts), bado-kine (fade)"],
  ];
  for (const [query, expected] of table) assertEquals(found(query), expected, query);
});

Deno.test("a name in a line cannot end the line, or act on a terminal", () => {
  const runs = [entry("a-a", "x\ndeploy: \x1b[2J"), entry("b-b", "\x9b\u202e")];
  const process = { pid: PROCESSES[0]!.process.pid, name: "y\n\x1b]0;t\x07" };
  const processes = () =>
    [process, { ...process, pid: PROCESSES[1]!.process.pid }].map((each) => ({
      run: runs[0]!,
      process: each,
    }));
  const lines = [
    describeTarget(runs[0]!, null),
    describeTarget(runs[0]!, process),
    ...["", "8a3"].map((query) => findTarget(query, runs, processes)).map((found) =>
      "why" in found ? found.why : "found"
    ),
  ];
  for (const line of lines) assertMatch(line, /^[^\p{Cc}\u202e]+\ufffd[^\p{Cc}\u202e]*$/u);
});
