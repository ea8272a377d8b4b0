/** What is said of processes that outlive the first one of their run. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import type { RunEvent } from "../../src/core/events.ts";
import { MemoryLog } from "../../src/run/memory_log.ts";
import { Run } from "../../src/run/run.ts";
import { NEW_RUN, step } from "../../src/run/run_state.ts";
import { SurvivorNotice, survivorsText } from "../../src/run/survivors.ts";
import { ended, FIRST, spawned, testPid, TIME, WORKER } from "../terminal/events.ts";

Deno.test("survivorsText() names who still runs, once the first process has ended", () => {
  const text = (events: readonly RunEvent[]) => survivorsText(events.reduce(step, NEW_RUN));
  const begun = [spawned(null, FIRST), spawned(FIRST, WORKER)];
  assertEquals(text([]), undefined);
  assertEquals(text(begun), undefined);
  assertEquals(text([...begun, ...ended(FIRST), ...ended(WORKER)]), undefined);
  assertEquals(
    text([...begun, ...ended(FIRST)]),
    "the first process has ended; 1 other still runs: 8a3be21 worker",
  );
  const many = Array.from({ length: 10 }, (_, index) => testPid(`000000${index}`));
  const named = many.slice(0, 8).map((pid) => `${pid.slice(0, 7)} worker`).join(", ");
  assertEquals(
    text([spawned(null, FIRST), ...many.map((pid) => spawned(FIRST, pid)), ...ended(FIRST)]),
    `the first process has ended; 10 others still run: ${named}, and 2 more`,
  );
});

/** A run, its notice, and a clock that is moved by hand. */
function watched(): { tell(events: readonly RunEvent[]): void; pass(): void; said: string[] } {
  const run = new Run({ log: new MemoryLog({ keepBytes: 1e6 }), roomBytes: 1e6 });
  const timers = new Set<() => void>();
  const notice = new SurvivorNotice({
    run,
    startTimer: (ms, then) => {
      assertEquals(ms, 2_000);
      timers.add(then);
      return () => timers.delete(then);
    },
    now: () => TIME,
  });
  const said: string[] = [];
  void (async () => {
    for await (const { records } of run.view()) {
      for (const { event } of records) if (event.event === "said") said.push(event.text);
    }
  })();
  return {
    said,
    tell(events) {
      for (const event of events) {
        void run.append(event);
        notice.took(event);
      }
    },
    pass() {
      for (const then of timers) then();
      timers.clear();
    },
  };
}

Deno.test("SurvivorNotice says it once, two seconds after the first process has ended", async () => {
  const { tell, pass, said } = watched();
  tell([spawned(null, FIRST), spawned(FIRST, WORKER)]);
  pass();
  tell(ended(FIRST));
  pass();
  pass();
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(said, ["the first process has ended; 1 other still runs: 8a3be21 worker"]);
});

Deno.test("SurvivorNotice says nothing of a run that is over by then", async () => {
  const { tell, pass, said } = watched();
  tell([spawned(null, FIRST), spawned(FIRST, WORKER), ...ended(FIRST), ...ended(WORKER)]);
  pass();
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(said, []);
});
