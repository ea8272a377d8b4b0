/** When a run is asked what it waits for, and when its standstill is reported. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import type { WaitState } from "../../src/core/waits.ts";
import { NEW_RUN, step } from "../../src/run/run_state.ts";
import { StandstillWatch } from "../../src/run/standstill_watch.ts";
import { FIRST, spawned, WORKER } from "../terminal/events.ts";

/** A run of two processes that wait for each other, and a clock moved by hand. */
class Watched {
  readonly said: string[] = [];
  readonly intervals: number[] = [];
  asked = 0;
  progress = 0;
  mayWake = false;
  #due: (() => void) | undefined;
  readonly watch = new StandstillWatch({
    state: () => [spawned(null, FIRST), spawned(FIRST, WORKER)].reduce(step, NEW_RUN),
    waits: () => {
      this.asked++;
      return Promise.resolve(new Map([[FIRST, this.#waits(WORKER)], [WORKER, this.#waits(FIRST)]]));
    },
    startTimer: (ms, then) => {
      this.intervals.push(ms);
      this.#due = then;
      return () => this.#due = undefined;
    },
    say: (text) => this.said.push(text),
  });

  #waits(remote: typeof FIRST): WaitState {
    const { progress, mayWake } = this;
    const waits = [{ kind: "recv", remote, name: "", select: false } as const];
    return { state: "waits", report: { waits, count: 1, progress, mayWake } };
  }

  /** Fires the timer so many times. */
  async pass(times: number): Promise<void> {
    for (let count = 0; count < times; count++) {
      const due = this.#due;
      this.#due = undefined;
      due?.();
      for (let turn = 0; turn < 5; turn++) await null;
    }
  }
}

Deno.test("a standstill is said once, when it has lasted five seconds", async () => {
  const run = new Watched();
  await run.pass(5);
  assertEquals(run.said, []);
  await run.pass(1);
  assertEquals(run.said.length, 1);
  await run.pass(10);
  assertEquals([run.said.length, run.asked], [1, 6]);
  assertEquals(run.intervals, Array(6).fill(1_000));
});

Deno.test("a run in which something happens is not asked", async () => {
  const run = new Watched();
  for (let count = 0; count < 10; count++) {
    run.watch.took();
    await run.pass(1);
  }
  assertEquals([run.said, run.asked], [[], 0]);
  await run.pass(6);
  assertEquals([run.said.length, run.asked], [1, 6]);
});

Deno.test("traffic is not a standstill, even if the waits look the same", async () => {
  const run = new Watched();
  for (let count = 0; count < 10; count++) {
    run.progress++;
    await run.pass(1);
  }
  assertEquals(run.said, []);
  await run.pass(5);
  assertEquals(run.said.length, 1);
});

Deno.test("a standstill that is interrupted starts anew", async () => {
  const run = new Watched();
  await run.pass(5);
  run.mayWake = true;
  await run.pass(1);
  run.mayWake = false;
  await run.pass(1);
  assertEquals(run.said, []);
  await run.pass(5);
  assertEquals(run.said.length, 1);
});

Deno.test("processes that wait for something else are asked less and less often", async () => {
  const run = new Watched();
  run.mayWake = true;
  await run.pass(5);
  assertEquals(run.intervals, [1_000, 2_000, 4_000, 5_000, 5_000, 5_000]);
  run.watch.took();
  await run.pass(1);
  assertEquals(run.intervals.at(-1), 1_000);
});

Deno.test("nothing is asked after stop()", async () => {
  const run = new Watched();
  run.watch.stop();
  await run.pass(5);
  assertEquals([run.said, run.asked], [[], 0]);
});
