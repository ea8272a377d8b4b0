/** What a node concludes from a process's answers, and from its silence. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { ProtocolError } from "../../src/core/errors.ts";
import type { Wait } from "../../src/core/waits.ts";
import { WaitInquiry } from "../../src/host/wait_inquiry.ts";
import { FIRST } from "../terminal/events.ts";

const WAITS: Wait[] = [{ kind: "recv", remote: FIRST, name: "jobs", select: false }];
/** What it has sent. */
const TRAFFIC = [{ remote: FIRST, values: 3, bytes: 70, full: ["jobs"] }];
const REPORT = { waits: WAITS, count: 1, progress: 7, mayWake: false };

/** A process, and a clock moved by hand. */
class Asked {
  readonly asked: number[] = [];
  /** What the system tells of it. */
  state = "R";
  cpuMs = 0;
  /** The share of the time in which it uses the CPU. */
  share = 1;
  inspected = false;
  #nowMs = 0;
  readonly #timers = new Set<() => void>();
  readonly inquiry = new WaitInquiry({
    osPid: 42,
    inspected: () => this.inspected,
    read: () => ({ state: this.state, cpuMs: this.cpuMs, childrenCpuMs: 0 }),
    now: () => this.#nowMs,
    send: ({ request }) => this.asked.push(request),
    startTimer: (ms, then) => {
      assertEquals(ms, 250);
      this.#timers.add(then);
      return () => this.#timers.delete(then);
    },
  });

  answer(request = this.asked.at(-1)!): void {
    this.inquiry.answer({ type: "waits", request, ...REPORT, traffic: TRAFFIC });
  }

  /** Half a second passes. */
  pass(): void {
    for (let half = 0; half < 2; half++) {
      this.#nowMs += 250;
      this.cpuMs += 250 * this.share;
      const due = [...this.#timers];
      this.#timers.clear();
      for (const then of due) then();
    }
  }
}

Deno.test("ask() returns the answer of the process, to all callers", async () => {
  const process = new Asked();
  const both = [process.inquiry.ask(), process.inquiry.ask()];
  assertEquals(process.asked.length, 1);
  process.answer();
  const answer = { state: { state: "waits", report: REPORT } as const, traffic: TRAFFIC };
  assertEquals(await Promise.all(both), [answer, answer]);
  const next = process.inquiry.ask();
  assertEquals(process.asked.length, 2);
  process.answer();
  assertEquals(await next, answer);
});

Deno.test("a process that does not answer and uses the CPU computes, and is asked no second time", async () => {
  const process = new Asked();
  for (let count = 0; count < 3; count++) {
    const asking = process.inquiry.ask();
    process.pass();
    const { state, traffic } = (await asking)!;
    assertEquals(state, { state: "computes", forMs: (count + 1) * 500 });
    assertEquals(traffic, []);
  }
  assertEquals(process.asked.length, 1);
  const asking = process.inquiry.ask();
  process.answer();
  assertEquals((await asking)?.state.state, "waits");
  const later = process.inquiry.ask();
  process.pass();
  // What it had sent when it last answered.
  assertEquals((await later)?.traffic, TRAFFIC);
});

Deno.test("a process that does not answer computes if it uses the CPU, with less if it is ready to", async () => {
  const table: [share: number, letter: string, state: string][] = [
    [0.8, "S", "computes"],
    [0.4, "R", "computes"],
    [0.4, "S", "silent"],
    [0.04, "R", "silent"],
    [0, "S", "silent"],
    [0, "T", "stopped"],
  ];
  for (const [share, letter, state] of table) {
    const process = Object.assign(new Asked(), { share, state: letter });
    const asking = process.inquiry.ask();
    process.pass();
    assertEquals((await asking)?.state.state, state, `${share} ${letter}`);
  }
});

Deno.test("of a process that is blocked, its inspector is known when it is asked", async () => {
  const process = Object.assign(new Asked(), { share: 0, state: "S" });
  for (const inspected of [false, true]) {
    process.inspected = inspected;
    const asking = process.inquiry.ask();
    process.pass();
    assertEquals((await asking)?.state, { state: "silent", inspected });
  }
});

Deno.test("a process whose link ends gives nothing, then and later", async () => {
  const process = new Asked();
  const asking = process.inquiry.ask();
  process.inquiry.end();
  assertEquals(await asking, undefined);
  assertEquals(await process.inquiry.ask(), undefined);
});

Deno.test("an answer that was not asked for is refused", async () => {
  const process = new Asked();
  assertThrows(() => process.answer(0), ProtocolError);
  const asking = process.inquiry.ask();
  process.answer();
  await asking;
  assertThrows(() => process.answer(), ProtocolError);
});
