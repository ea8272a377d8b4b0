/** How many lines a host has in a log, by a clock that is moved by hand. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { limitLines, LineLimiter, MAX_HOSTS, QUIET_MS } from "../../src/core/logger.ts";

/** A limiter with a clock and timers of its own. */
class Limited {
  nowMs = 0;
  readonly lines: string[] = [];
  readonly #timers: { readonly atMs: number; readonly due: () => void }[] = [];
  readonly say = limitLines(({ line }) => this.lines.push(line), {
    now: () => this.nowMs,
    later: (ms, due) => this.#timers.push({ atMs: this.nowMs + ms, due }),
  });

  get timers(): number {
    return this.#timers.length;
  }

  /** Moves the clock to the next timer, or by a minute. */
  pass(): void {
    const timer = this.#timers.shift();
    this.nowMs = timer?.atMs ?? this.nowMs + QUIET_MS;
    timer?.due();
  }
}

Deno.test("a host has one line at once, and one a minute with the number of those left out", () => {
  const log = new Limited();
  for (let count = 0; count < 2_308; count++) log.say({ host: "10.0.0.9", line: `no ${count}` });
  assertEquals([log.lines, log.timers], [["no 0"], 1]);
  log.pass();
  assertEquals(log.lines, ["no 0", "no 2307; 2307 such lines about 10.0.0.9 in a minute"]);
  log.say({ host: "10.0.0.9", line: "again" });
  assertEquals(log.lines.length, 2);
  log.pass();
  assertEquals(log.lines.slice(2), ["again"]);
});

Deno.test("a host that is quiet for a minute is forgotten, and no timer runs for it", () => {
  const log = new Limited();
  log.say({ host: "a", line: "one" });
  assertEquals(log.timers, 0);
  log.pass();
  log.say({ host: "a", line: "two" });
  assertEquals(log.lines, ["one", "two"]);
});

Deno.test("hosts do not share lines, until they are too many", () => {
  const limiter = new LineLimiter();
  let written = 0;
  for (let host = 0; host < 10_000; host++) {
    written += limiter.take({ host: `h${host}`, line: "no" }, 0).length;
  }
  assertEquals(written, MAX_HOSTS + 1);
  assertEquals(limiter.due(QUIET_MS).map(({ line }) => line), [
    `no; ${10_000 - MAX_HOSTS - 1} such lines about more than ${MAX_HOSTS} hosts in a minute`,
  ]);
});

Deno.test("what was left out is said with the next line where there is no timer", () => {
  let nowMs = 0;
  const lines: string[] = [];
  const say = limitLines(({ line }) => lines.push(line), { now: () => nowMs });
  for (const line of ["one", "two", "three"]) say({ host: "a", line });
  nowMs = QUIET_MS;
  say({ host: "b", line: "other" });
  assertEquals(lines, ["one", "three; 2 such lines about a in a minute", "other"]);
});
