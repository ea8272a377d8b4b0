/** When the time of many is up, with one timer. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { Deadlines } from "../../src/net/deadlines.ts";
import type { Timer } from "../../src/net/delay.ts";

/** Time that a test moves; it counts the timers that were started. */
class Time {
  nowMs = 0;
  started = 0;
  #timers: { readonly atMs: number; readonly timer: Timer }[] = [];

  readonly clock = {
    nowMs: () => this.nowMs,
    startTimer: (ms: number, done: () => void): Timer => {
      this.started++;
      const timer = { onabort: done };
      this.#timers.push({ atMs: this.nowMs + ms, timer });
      return timer;
    },
  };

  pass(ms: number): void {
    this.nowMs += ms;
    const due = this.#timers.filter(({ atMs }) => atMs <= this.nowMs);
    this.#timers = this.#timers.filter(({ atMs }) => atMs > this.nowMs);
    for (const { timer } of due) timer.onabort?.();
  }
}

Deno.test("each is due after its time, unless it was removed", () => {
  const time = new Time();
  const due: string[] = [];
  const deadlines = new Deadlines<string>(100, (entry) => due.push(entry), time.clock);
  deadlines.add("a");
  deadlines.add("b");
  time.pass(60);
  deadlines.add("c");
  deadlines.delete("a");
  time.pass(39);
  assertEquals(due, []);
  time.pass(1);
  assertEquals(due, ["b"]);
  time.pass(59);
  assertEquals(due, ["b"]);
  time.pass(1);
  assertEquals(due, ["b", "c"]);
  time.pass(1_000);
  deadlines.add("d");
  time.pass(100);
  assertEquals(due, ["b", "c", "d"]);
});

Deno.test("however many come and go, one timer runs at a time", () => {
  const time = new Time();
  let due = 0;
  const deadlines = new Deadlines<number>(100, () => due++, time.clock);
  for (let entry = 0; entry < 10_000; entry++) {
    deadlines.add(entry);
    deadlines.delete(entry - 1);
    if (entry % 100 === 0) time.pass(10);
  }
  assertEquals(due, 0);
  time.pass(100);
  assertEquals(due, 1);
  // 1,100 ms have passed.
  assertEquals(time.started <= 12, true, `${time.started}`);
});
