/** The cost of idle processes and channels. */

// @ts-types="../../../types/std_async.d.ts"
import { delay } from "@std/async/delay";
import { Commanded } from "../commanded.ts";
import { NO_SPARES, programPath, runArgs, startProgram } from "../deno_program.ts";
import { openRow } from "../open.ts";
import {
  commandLine,
  descendants,
  type Memory,
  memoryOf,
  requireProc,
  settled,
  treeCpuMs,
} from "../processes.ts";
import type { OpenRow, Row } from "../row.ts";

export const MEMORY: Row = {
  name: "memory",
  title: "memory of an idle spawned process, resident",
  unit: "MiB",
  goal: { judges: "ratio", better: "less", must: 1.2, stretch: 1.1 },
  rounds: 5,
  open() {
    requireProc();
    const held: Commanded[] = [];
    const release = async () => {
      for (const each of held.splice(0)) await each[Symbol.asyncDispose]();
    };
    let measured: Memory[] = [];
    // New ones in each round, and both at the same time.
    const measure = async () => {
      await release();
      held.push(
        startProgram("idle.ts", { env: NO_SPARES }),
        new Commanded(Deno.execPath(), { args: runArgs("idle_deno.ts") }),
      );
      const pids: number[] = [];
      for (const program of held) {
        pids.push(Number(await program.line()));
        await settled(program.pid);
      }
      measured = pids.map(memoryOf);
      return measured[0]?.resident ?? NaN;
    };
    const side = (name: string, memory: () => number | undefined) => ({
      name,
      measure: () => Promise.resolve(memory() ?? NaN),
    });
    return {
      sides: [
        { name: "spawned process", measure },
        side("idle deno run", () => measured[1]?.resident),
        side("spawned process, pages that are its own", () => measured[0]?.own),
        side("idle deno run, pages that are its own", () => measured[1]?.own),
      ],
      [Symbol.asyncDispose]: release,
    };
  },
};

/** How long quiet processes are watched. */
const QUIET_MS = 2_000;

export const CHANNELS: Row = {
  name: "channels",
  title: "992 channels, open between 32 processes, each to each",
  unit: "MiB",
  rounds: 2,
  async open(): Promise<OpenRow> {
    requireProc();
    await using held = new AsyncDisposableStack();
    const program = held.use(startProgram("all_to_all.ts", { env: NO_SPARES }));
    await program.ask("close"); // nothing is open, but all processes are there
    const memory = async () => {
      await settled(program.pid);
      const path = programPath("all_to_all.ts");
      const pids = descendants(program.pid).filter((pid) => commandLine(pid).includes(path));
      return pids.reduce((sum, pid) => sum + memoryOf(pid).own, 0) / pids.length;
    };
    const quietCpu = async () => {
      const [before, start] = [treeCpuMs(program.pid), performance.now()];
      await delay(QUIET_MS);
      return (treeCpuMs(program.pid) - before) / (performance.now() - start) * 1e3;
    };
    return openRow([
      { name: "own memory of a process, no channels open", measure: memory },
      { name: "CPU of all, no channels open", unit: "ms/s", measure: quietCpu },
      {
        name: "own memory of a process, 31 channels there and back",
        async measure() {
          await program.ask("open");
          return await memory();
        },
      },
      { name: "CPU of all, channels open and quiet", unit: "ms/s", measure: quietCpu },
      {
        name: "CPU of both ends, a message, all channels at once",
        unit: "µs",
        async measure() {
          const before = treeCpuMs(program.pid);
          const messages = await program.ask("send");
          await settled(program.pid);
          const ms = treeCpuMs(program.pid) - before;
          await program.ask("close");
          return ms * 1e3 / messages;
        },
      },
    ], [held.move()]);
  },
};
