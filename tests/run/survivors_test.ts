/** The notice about processes that outlive the first one of their run. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import type { RunEvent } from "../../src/core/events.ts";
import { NEW_RUN, step } from "../../src/run/run_state.ts";
import { SurvivorNotice, survivorsText } from "../../src/run/survivors.ts";
import { ended, FIRST, spawned, testPid, WORKER } from "../terminal/events.ts";

Deno.test("survivorsText() names the running processes once the first process has ended", () => {
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

/** A run, its notice, and a clock moved by hand. */
class Watched {
  readonly said: string[] = [];
  readonly #timers = new Set<() => void>();
  #state = NEW_RUN;
  readonly #notice = new SurvivorNotice({
    state: () => this.#state,
    startTimer: (ms, then) => {
      assertEquals(ms, 2_000);
      this.#timers.add(then);
      return () => this.#timers.delete(then);
    },
    say: (text) => this.said.push(text),
  });

  tell(events: readonly RunEvent[]): void {
    for (const event of events) {
      this.#state = step(this.#state, event);
      this.#notice.took(event);
    }
  }

  /** Two seconds pass. */
  pass(): void {
    const due = [...this.#timers];
    this.#timers.clear();
    for (const then of due) then();
  }
}

Deno.test("SurvivorNotice says it once, two seconds after the first process has ended", () => {
  const run = new Watched();
  run.tell([spawned(null, FIRST), spawned(FIRST, WORKER)]);
  run.pass();
  run.tell(ended(FIRST));
  assertEquals(run.said, []);
  run.pass();
  run.pass();
  assertEquals(run.said, ["the first process has ended; 1 other still runs: 8a3be21 worker"]);
});

Deno.test("SurvivorNotice reports nothing for a run that is over by then", () => {
  const run = new Watched();
  run.tell([spawned(null, FIRST), spawned(FIRST, WORKER), ...ended(FIRST), ...ended(WORKER)]);
  run.pass();
  assertEquals(run.said, []);
});
