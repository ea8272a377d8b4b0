/** The time and the CPU cost of starting programs and processes. */

import type { Commanded } from "../commanded.ts";
import { NO_SPARES, runArgs, runEmpty, startProgram } from "../deno_program.ts";
import { openRow } from "../open.ts";
import { requireProc, settled, treeCpuMs } from "../processes.ts";
import type { OpenRow, Row, Side } from "../row.ts";
import { untilOutput } from "../until_output.ts";

const EMPTY_FILE: Side = { name: "deno run of an empty file", measure: runEmpty };

export const RUN: Row = {
  name: "run",
  title: "a local run: from the command to its first output",
  unit: "ms",
  // A run is two processes, the second of which can only begin when the first one knows what to run.
  goal: { judges: "ratio", better: "less", must: 3, stretch: 2 },
  rounds: 15,
  open() {
    const side = (name: string, program: string): Side => ({
      name,
      measure: () => untilOutput(runArgs(program), "."),
    });
    return openRow([
      side("deno run of a program with init()", "hello_deploy.ts"),
      side("deno run of one without", "hello.ts"),
    ], []);
  },
};

export const COLD: Row = {
  name: "cold",
  title: "start of a spawned process until its function runs, cold",
  unit: "ms",
  goal: { judges: "ratio", better: "less", must: 1.4, stretch: 1.2 },
  rounds: 15,
  async open() {
    await using held = new AsyncDisposableStack();
    const program = held.use(startProgram("spawn.ts", { env: NO_SPARES }));
    await program.ask("untilRuns");
    const side = { name: "spawn()", measure: () => program.ask("untilRuns") };
    return openRow([side, EMPTY_FILE], [held.move()]);
  },
};

/** Asks `spawn.ts` when there is a spare process, and nothing else to do. */
async function openWithSpare(name: string, question: string): Promise<OpenRow> {
  requireProc();
  await using held = new AsyncDisposableStack();
  const program = held.use(startProgram("spawn.ts"));
  await program.ask(question); // the first spawn finds no spare
  const measure = async () => {
    await settled(program.pid);
    return await program.ask(question);
  };
  return openRow([{ name, measure }, EMPTY_FILE], [held.move()]);
}

export const SPARE: Row = {
  name: "spare",
  title: "spawn, spare at hand, from call to resolved",
  unit: "ms",
  goal: { judges: "ratio", better: "less", must: 1 / 10, stretch: 1 / 25 },
  rounds: 15,
  open: () => openWithSpare("spawn()", "untilResolved"),
};

export const FIRST: Row = {
  name: "first",
  title:
    "first answer: spawn, spare at hand, from call to the first value received from the process",
  unit: "ms",
  goal: { judges: "ratio", better: "less", must: 1 / 3, stretch: 1 / 6 },
  rounds: 15,
  open: () => openWithSpare("spawn() and recv()", "untilAnswered"),
};

export const LOOP: Row = {
  name: "loop",
  title: "spawn, receive one value, wait for the end; one after the other, p50 of one of 30",
  unit: "ms",
  goal: { judges: "ratio", better: "less", must: 1.2, stretch: 0.95 },
  rounds: 3,
  open() {
    const ours = startProgram("spawn.ts");
    const bare = startProgram("start_child.ts");
    return openRow([
      { name: "spawn(), recv(), wait()", measure: () => ours.ask("loop") },
      { name: "deno run of a child that connects and writes", measure: () => bare.ask("loop") },
    ], [ours, bare]);
  },
};

export const BURST: Row = {
  name: "burst",
  title: "CPU time of a process that does nothing, its end included, of 60 spawned at once",
  unit: "ms",
  // No more than a cold start: as far as the clock of CPU time, in ticks of 10 ms, can tell.
  goal: { judges: "ratio", better: "less", must: 1.05, stretch: 1 },
  rounds: 3,
  open() {
    requireProc();
    const burst = startProgram("spawn.ts");
    const singles = startProgram("spawn.ts", { env: NO_SPARES });
    return openRow([
      { name: "60 at once", measure: () => cpuEach(burst, "burst") },
      // Where cores share execution units, each does less in the same CPU time while all are
      // busy, as they are in a burst.
      { name: "cold, two at a time for each core", measure: () => cpuEach(singles, "together") },
      { name: "cold, one at a time", peer: true, measure: () => cpuEach(singles, "alone") },
    ], [burst, singles]);
  },
};

/** The total CPU time of a program for each process that it spawns. */
async function cpuEach(program: Commanded, question: string): Promise<number> {
  await settled(program.pid);
  const before = treeCpuMs(program.pid);
  const count = await program.ask(question);
  await settled(program.pid); // what it does afterwards, such as to boot spares, is part of the cost
  return (treeCpuMs(program.pid) - before) / count;
}
