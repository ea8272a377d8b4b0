/** When a process asks for stdin: by hand-moved time, and of real processes. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { StdinDemand } from "../../src/host/stdin_demand.ts";
import { readCall, readsStdin } from "../../src/host/stdin_reader.ts";
import { KiB } from "../../src/core/resources.ts";

/** A demand whose process waits for stdin as `state.reading` says. */
function setUp(reading: boolean | undefined) {
  const state = { reading, timer: undefined as { ms: number; then: () => void } | undefined };
  const wanted: boolean[] = [];
  const demand = new StdinDemand({
    isReading: () => state.reading,
    wanted: (always) => wanted.push(always),
    startTimer: (ms, then) => {
      const timer = state.timer = { ms, then };
      return () => {
        if (state.timer === timer) state.timer = undefined;
      };
    },
  });
  /** Lets the time of the next look come; gives how long that took. */
  const look = (): number | undefined => {
    const { timer } = state;
    state.timer = undefined;
    timer?.then();
    return timer?.ms;
  };
  return { demand, state, wanted, look };
}

Deno.test("a process that does not read is looked at less and less often, and asks for nothing", () => {
  const { wanted, look } = setUp(false);
  const times = Array.from({ length: 9 }, look);
  assertEquals(times, [5, 10, 20, 40, 80, 160, 320, 320, 320]);
  assertEquals(wanted, []);
});

Deno.test("a process that reads asks once for each piece, when it has taken the one before", () => {
  const { demand, state, wanted, look } = setUp(false);
  look();
  state.reading = true;
  look();
  assertEquals(wanted, [false]);
  assertEquals(look(), undefined);
  demand.given(10);
  demand.given(20);
  demand.taken(10);
  assertEquals(look(), undefined);
  demand.taken(20);
  state.reading = false;
  assertEquals(look(), 5);
  assertEquals(wanted, [false]);
  state.reading = true;
  look();
  assertEquals(wanted, [false, false]);
});

Deno.test("a process that has taken much asks for all that there will be", () => {
  const { demand, wanted, look } = setUp(true);
  for (let piece = 0; piece < 4; piece++) {
    look();
    demand.given(64 * KiB);
    demand.taken(64 * KiB);
  }
  assertEquals(wanted, [false, false, false, false, true]);
  assertEquals(look(), undefined);
});

Deno.test("where it cannot be known, all is asked for at once", () => {
  const { wanted, look } = setUp(undefined);
  look();
  assertEquals(wanted, [true]);
  assertEquals(look(), undefined);
});

Deno.test("nothing is asked for after the end", () => {
  const { demand, wanted, look } = setUp(true);
  demand.end();
  demand.given(1);
  demand.taken(1);
  assertEquals(look(), undefined);
  assertEquals(wanted, []);
});

Deno.test("readCall() finds the file that a thread reads", () => {
  const table: [text: string, arch: string, fd: number | undefined][] = [
    ["0 0x15 0x7f 0x10000 0x0 0x0 0x0 0x7ffc 0x7f\n", "x86_64", 21],
    ["19 0x0 0x7f 0x1 0x0 0x0 0x0 0x7ffc 0x7f\n", "x86_64", 0],
    ["63 0x0 0x7f 0x1 0x0 0x0 0x0 0x7ffc 0x7f\n", "aarch64", 0],
    ["0 0x15 0x7f 0x1 0x0 0x0 0x0 0x7ffc 0x7f\n", "aarch64", undefined],
    ["232 0x3 0x55 0x400 0xffffffff 0x0 0x0 0x7ffc 0x7f\n", "x86_64", undefined],
    ["running\n", "x86_64", undefined],
    ["-1 0x7ffc 0x7f\n", "x86_64", undefined],
    ["", "x86_64", undefined],
  ];
  for (const [text, arch, fd] of table) assertEquals(readCall(text, arch), fd, text);
});

/** Programs, and whether they ask for stdin once they have written a line. */
const PROGRAMS: [program: string, reads: boolean][] = [
  ["await Deno.stdin.read(new Uint8Array(1));", true],
  ["for await (const _ of Deno.stdin.readable);", true],
  ["Deno.stdin.readSync(new Uint8Array(1));", true],
  ["process.stdin.on('data', () => {});", true],
  ["await new Deno.Command('sleep', { args: ['1000'], stdin: 'inherit' }).spawn().status;", true],
  ["await new Deno.Command('sleep', { args: ['1000'], stdin: 'null' }).spawn().status;", false],
  ["await Deno.listen({ hostname: '127.0.0.1', port: 0 }).accept();", false],
];

for (const [program, reads] of PROGRAMS) {
  Deno.test({
    name: `readsStdin() is ${reads} for ${program}`,
    ignore: readsStdin(Deno.pid) === undefined,
    fn: async () => {
      // What comes after the line begins before a timer does.
      const source = `setTimeout(() => console.log("begun"), 200); ${program}`;
      const child = new Deno.Command(Deno.execPath(), {
        args: ["eval", source.replace("setTimeout", reads ? "(() => {})" : "setTimeout")],
        stdin: "piped",
        stdout: "piped",
      }).spawn();
      // One that reads has to be seen reading some time; one that does not, must never be.
      if (reads) {
        while (readsStdin(child.pid) !== true) {
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      } else {
        const reader = child.stdout.getReader();
        let begun = false;
        void reader.read().then(() => begun = true);
        while (!begun) {
          assertEquals(readsStdin(child.pid), false);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        await reader.cancel();
      }
      child.kill("SIGKILL");
      await child.stdin.close();
      if (!child.stdout.locked) await child.stdout.cancel();
      await child.status;
    },
  });
}
