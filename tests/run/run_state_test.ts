/** The state of a run after each event, and events that are refused. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  exitCodeOf,
  isOver,
  MAX_FAILURES,
  NEW_RUN,
  runningProcesses,
  type RunState,
  step,
  stoppedExitCodeOf,
} from "../../src/run/run_state.ts";
import type { RunEvent } from "../../src/core/events.ts";
import type { ExitStatus } from "../../src/core/exit_status.ts";
import type { Pid } from "../../src/core/pid.ts";
import {
  ended,
  EXAMPLE,
  FIRST,
  randomFrom,
  randomRun,
  spawned,
  testPid,
  WORKER,
  wrote,
} from "../terminal/events.ts";

function stateAfter(events: Iterable<RunEvent>): RunState {
  let state = NEW_RUN;
  for (const event of events) state = step(state, event);
  return state;
}

function running(state: RunState): Pid[] {
  return runningProcesses(state).map(({ pid }) => pid);
}

const OTHER = testPid("0123");
const noticed = (pid: Pid): RunEvent => ({ event: "noticed", pid });

Deno.test("step() tracks the first process, the running processes, and the end of the run", () => {
  const told: unknown[] = [];
  let state = NEW_RUN;
  const tell = (): void => {
    told.push([state.first, running(state), isOver(state), exitCodeOf(state)]);
  };
  tell();
  for (const event of EXAMPLE) {
    state = step(state, event);
    if (event.event === "spawn" || event.event === "exit") tell();
  }
  assertEquals(told, [
    [null, [], false, undefined],
    [FIRST, [FIRST], false, undefined],
    [FIRST, [FIRST, WORKER], false, undefined],
    [FIRST, [FIRST], false, undefined],
    [FIRST, [], true, 0],
  ]);
});

Deno.test("step() keeps the fields of a process's spawn while it runs", () => {
  const spawn: RunEvent = {
    ...{ event: "spawn", parent: FIRST, pid: WORKER, name: "worker 7" },
    ...{ node: "10.0.0.1:9999", time: 12 },
  };
  const state = stateAfter([spawned(null, FIRST), spawn]);
  const { event: _, ...said } = spawn;
  assertEquals(state.running.get(WORKER), { ...said, index: 1, open: [1, 2], noticed: false });
});

Deno.test("step() does not modify its argument", () => {
  let state = NEW_RUN;
  const states: [RunState, string][] = [];
  const shown = (state: RunState) =>
    JSON.stringify([
      runningProcesses(state),
      [...state.failed.values()],
      isOver(state),
      exitCodeOf(state),
    ]);
  for (const event of [...randomRun(randomFrom(7), 20), noticed(WORKER)]) {
    states.push([state, shown(state)]);
    state = step(state, event);
  }
  for (const [before, text] of states) assertEquals(shown(before), text);
});

Deno.test("a run continues when the first process has ended and others have not", () => {
  const before = stateAfter([spawned(null, FIRST), spawned(FIRST, WORKER), ...ended(FIRST)]);
  assertEquals([running(before), isOver(before), exitCodeOf(before)], [[WORKER], false, undefined]);
  const after = ended(WORKER).reduce(step, before);
  assertEquals([isOver(after), exitCodeOf(after)], [true, 0]);
});

Deno.test("a run continues when a spawn in progress appears after the last exit", () => {
  const state = stateAfter([spawned(null, FIRST), ...ended(FIRST), spawned(FIRST, WORKER)]);
  assertEquals([isOver(state), running(state), exitCodeOf(state)], [false, [WORKER], undefined]);
  const after = ended(WORKER, { code: 1 }).reduce(step, state);
  assertEquals([isOver(after), exitCodeOf(after)], [true, 101]);
});

/** One process besides the first: how it ended, and when that was noticed. */
type Other = [status: ExitStatus, noticed?: "before" | "after"];

Deno.test("the exit code follows from how the processes ended, and what was noticed", () => {
  const killed = { killed: "memory: 131 MiB used, 100 MiB asked" };
  const table: [first: ExitStatus, others: Other[], code: number][] = [
    [{ code: 0 }, [], 0],
    [{ code: 0 }, [[{ code: 0 }], [{ code: 0 }]], 0],
    [{ code: 0 }, [[{ code: 3 }], [{ code: 0 }]], 101],
    [{ code: 0 }, [[{ signal: "SIGKILL" }]], 101],
    [{ code: 0 }, [[killed]], 101],
    [{ code: 0 }, [[{ lost: "gone" }]], 101],
    [{ code: 0 }, [[{ code: 3 }, "before"]], 0],
    [{ code: 0 }, [[{ code: 3 }, "after"]], 0],
    [{ code: 0 }, [[{ signal: "SIGKILL" }, "before"], [killed, "after"]], 0],
    [{ code: 0 }, [[{ lost: "gone" }, "after"]], 0],
    [{ code: 0 }, [[{ code: 3 }, "after"], [{ code: 3 }]], 101],
    [{ code: 0 }, [[{ code: 0 }, "before"], [{ code: 0 }, "after"]], 0],
    [{ code: 7 }, [], 7],
    [{ code: 7 }, [[{ code: 3 }]], 7],
    [{ code: 7 }, [[{ code: 3 }, "before"]], 7],
    [{ signal: "SIGTERM" }, [], 143],
    [killed, [[{ code: 3 }]], 137],
    [{ lost: "gone" }, [[{ code: 3 }]], 1],
  ];
  for (const [first, others, code] of table) {
    for (const firstEndsFirst of [true, false]) {
      const pids = others.map((_, index) => testPid(`${index}`));
      const all = (when: string) =>
        pids.flatMap((pid, index) =>
          others[index]![1] === when ? [noticed(pid), noticed(pid)] : []
        );
      const state = stateAfter([
        spawned(null, FIRST),
        ...pids.map((pid) => spawned(FIRST, pid)),
        ...all("before"),
        ...(firstEndsFirst ? ended(FIRST, first) : []),
        ...pids.flatMap((pid, index) => ended(pid, others[index]![0])),
        ...all("after"),
        ...(firstEndsFirst ? [] : ended(FIRST, first)),
      ]);
      assertEquals(exitCodeOf(state), code, JSON.stringify([first, others, firstEndsFirst]));
    }
  }
});

Deno.test("a notice of the first process's own failure changes nothing", () => {
  const events = [spawned(null, FIRST), spawned(FIRST, WORKER), ...ended(FIRST, { code: 5 })];
  const state = stateAfter([...events, noticed(FIRST), ...ended(WORKER)]);
  assertEquals(exitCodeOf(state), 5);
});

Deno.test("step() refuses impossible events, with the reason", () => {
  const [eof1, eof2, exit] = ended(FIRST) as [RunEvent, RunEvent, RunEvent];
  const start = spawned(null, FIRST);
  const table: [before: RunEvent[], event: RunEvent, why: string][] = [
    [[], wrote(FIRST, 1, "a"), "is not running"],
    [[], eof1, "is not running"],
    [[], exit, "is not running"],
    [[], spawned(FIRST, WORKER), "has a parent"],
    [[start], start, "is running"],
    [[start], spawned(null, WORKER), `cannot be the first process, which is ${FIRST}`],
    [[start], spawned(WORKER, WORKER), "cannot be its own parent"],
    [[start], spawned(OTHER, FIRST), "is running"],
    [[start, eof1], wrote(FIRST, 1, "a"), "has ended its stream 1"],
    [[start, eof2], wrote(FIRST, 2, "a"), "has ended its stream 2"],
    [[start, eof1], eof1, "has ended its stream 1"],
    [[start], exit, "has not ended its stream 1"],
    [[start, eof1], exit, "has not ended its stream 2"],
    [[start, eof1, eof2, exit], wrote(FIRST, 1, "a"), "is not running"],
    [[start, eof1, eof2, exit], exit, "is not running"],
    [[start, eof1, eof2, exit], start, "cannot be the first process"],
  ];
  for (const [before, event, why] of table) {
    const state = stateAfter(before);
    const error = assertThrows(() => step(state, event), Error, why);
    assert(error.message.startsWith(`Cannot record "${event.event}" of process `));
  }
});

Deno.test("step() takes output of one stream after the end of the other", () => {
  const [eof1] = ended(FIRST);
  stateAfter([spawned(null, FIRST), eof1!, wrote(FIRST, 2, "a"), wrote(FIRST, 2, "")]);
});

Deno.test("step() takes every run, which is over only after its last event", () => {
  for (let round = 0; round < 100; round++) {
    const seed = round < 80 ? round : crypto.getRandomValues(new Uint32Array(1))[0]!;
    const alive = new Set<string>();
    let state = NEW_RUN;
    for (const event of randomRun(randomFrom(seed), 1 + round % 10)) {
      state = step(state, event);
      if (event.event === "spawn") alive.add(event.pid);
      if (event.event === "exit") alive.delete(event.pid);
      assertEquals(isOver(state), alive.size === 0, `seed ${seed}`);
      assertEquals(new Set<string>(running(state)), alive, `seed ${seed}`);
    }
    assertEquals(typeof exitCodeOf(state), "number", `seed ${seed}`);
  }
});

Deno.test("a run of a million events that fail and are noticed keeps nothing of them", () => {
  const PROCESSES = 200_000;
  let state = stateAfter([spawned(null, FIRST)]);
  for (let index = 1; index <= PROCESSES; index++) {
    const pid = testPid(Math.imul(index, 0x9e3779b1).toString(16).replace("-", "f"));
    const status = index % 2 === 0 ? { code: 0 } : { code: 1 };
    state = step(state, spawned(FIRST, pid));
    for (const event of ended(pid, status)) state = step(state, event);
    state = step(state, noticed(pid));
  }
  assertEquals([state.spawns, state.failures], [PROCESSES + 1, PROCESSES / 2]);
  assertEquals([state.running.size, state.failed.size, state.overflowed], [1, 0, false]);
  assertEquals(exitCodeOf(ended(FIRST).reduce(step, state)), 0);
});

Deno.test("unnoticed failures are remembered up to a bound, and beyond it the run has failed", () => {
  let state = stateAfter([spawned(null, FIRST)]);
  const pids = Array.from(
    { length: MAX_FAILURES + 1 },
    (_, index) => testPid((index + 0x10000).toString(16)),
  );
  for (const pid of pids) {
    state = [spawned(FIRST, pid), ...ended(pid, { code: 1 })].reduce(step, state);
  }
  assertEquals([state.failed.size, state.overflowed], [MAX_FAILURES, true]);
  for (const pid of pids) state = step(state, noticed(pid));
  assertEquals(state.failed.size, 0);
  assertEquals(exitCodeOf(ended(FIRST).reduce(step, state)), 101);
});

Deno.test("stoppedExitCodeOf() is the signal's but if the first process ended by itself in its grace", () => {
  const table: [first: ExitStatus, worker: ExitStatus, code: number][] = [
    [{ code: 0 }, { code: 0 }, 0],
    [{ code: 7 }, { code: 0 }, 7],
    [{ code: 0 }, { signal: "SIGINT" }, 0],
    [{ code: 0 }, { signal: "SIGTERM" }, 101],
    [{ code: 0 }, { signal: "SIGKILL" }, 101],
    [{ signal: "SIGINT" }, { code: 0 }, 130],
    [{ signal: "SIGSEGV" }, { code: 0 }, 139],
    [{ signal: "SIGKILL" }, { code: 0 }, 130],
    [{ killed: "memory" }, { code: 0 }, 137],
  ];
  for (const [first, worker, code] of table) {
    const begun = stateAfter([spawned(null, FIRST), spawned(FIRST, WORKER)]);
    assertEquals(stoppedExitCodeOf(begun, "SIGINT", begun), 130);
    const over = [...ended(WORKER, worker), ...ended(FIRST, first)].reduce(step, begun);
    assertEquals(stoppedExitCodeOf(over, "SIGINT", begun), code, JSON.stringify([first, worker]));
    const without = ended(FIRST, first).reduce(step, begun);
    assertEquals(stoppedExitCodeOf(over, "SIGINT", without), 130);
  }
  assertEquals(stoppedExitCodeOf(NEW_RUN, "SIGTERM", NEW_RUN), 143);
});
