/** The books of a run: what they say after which events, and which events they refuse. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { RunRecord } from "../../src/run/run_record.ts";
import type { RunEvent } from "../../src/core/events.ts";
import type { ExitStatus } from "../../src/core/exit_status.ts";
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

function recordOf(events: Iterable<RunEvent>): RunRecord {
  const record = new RunRecord();
  for (const event of events) record.add(event);
  return record;
}

const OTHER = testPid("0123");

Deno.test("RunRecord knows the first process, who is alive, and when the run is over", () => {
  const record = new RunRecord();
  const told: unknown[] = [];
  const tell = (): void => {
    told.push([record.first, record.alive(), record.over, record.exitCode]);
  };
  tell();
  for (const event of EXAMPLE) {
    record.add(event);
    if (event.event === "spawn" || event.event === "exit") tell();
  }
  assertEquals(told, [
    [undefined, [], false, undefined],
    [FIRST, [FIRST], false, undefined],
    [FIRST, [FIRST, WORKER], false, undefined],
    [FIRST, [FIRST], false, undefined],
    [FIRST, [], true, 0],
  ]);
});

Deno.test("RunRecord goes on when the first process has ended and others have not", () => {
  const record = recordOf([spawned(null, FIRST), spawned(FIRST, WORKER), ...ended(FIRST)]);
  assertEquals([record.isAlive(FIRST), record.isAlive(WORKER)], [false, true]);
  assertEquals([record.over, record.exitCode], [false, undefined]);
  for (const event of ended(WORKER)) record.add(event);
  assertEquals([record.over, record.exitCode], [true, 0]);
});

Deno.test("RunRecord goes on when a spawn that was under way comes after the last exit", () => {
  const record = recordOf([spawned(null, FIRST), ...ended(FIRST), spawned(FIRST, WORKER)]);
  assertEquals([record.over, record.alive(), record.exitCode], [false, [WORKER], undefined]);
  for (const event of ended(WORKER, { code: 1 })) record.add(event);
  assertEquals([record.over, record.exitCode], [true, 101]);
});

Deno.test("RunRecord gives the exit code that the run's processes make", () => {
  const table: [first: ExitStatus, others: ExitStatus[], code: number][] = [
    [{ code: 0 }, [], 0],
    [{ code: 0 }, [{ code: 0 }, { code: 0 }], 0],
    [{ code: 0 }, [{ code: 3 }, { code: 0 }], 101],
    [{ code: 0 }, [{ signal: "SIGKILL" }], 101],
    [{ code: 0 }, [{ lost: "gone" }], 101],
    [{ code: 7 }, [], 7],
    [{ code: 7 }, [{ code: 3 }], 7],
    [{ signal: "SIGTERM" }, [], 143],
    [{ killed: "memory" }, [{ code: 3 }], 137],
    [{ lost: "gone" }, [{ code: 3 }], 1],
  ];
  for (const [first, others, code] of table) {
    for (const firstEndsFirst of [true, false]) {
      const pids = others.map((_, index) => testPid(`${index}`));
      const record = recordOf([
        spawned(null, FIRST),
        ...pids.map((pid) => spawned(FIRST, pid)),
        ...(firstEndsFirst ? ended(FIRST, first) : []),
        ...pids.flatMap((pid, index) => ended(pid, others[index])),
        ...(firstEndsFirst ? [] : ended(FIRST, first)),
      ]);
      assertEquals(record.exitCode, code, JSON.stringify([first, others, firstEndsFirst]));
    }
  }
});

Deno.test("RunRecord refuses what cannot come, says why, and stays as it was", () => {
  const [eof1, eof2, exit] = ended(FIRST) as [RunEvent, RunEvent, RunEvent];
  const start = spawned(null, FIRST);
  const table: [before: RunEvent[], event: RunEvent, why: string][] = [
    [[], wrote(FIRST, 1, "a"), "is not alive"],
    [[], eof1, "is not alive"],
    [[], exit, "is not alive"],
    [[], spawned(FIRST, WORKER), "has a parent"],
    [[start], start, "is alive"],
    [[start], spawned(null, WORKER), `cannot be the first process, which is ${FIRST}`],
    [[start], spawned(WORKER, WORKER), "cannot be its own parent"],
    [[start], spawned(OTHER, FIRST), "is alive"],
    [[start, eof1], wrote(FIRST, 1, "a"), "has ended its stream 1"],
    [[start, eof2], wrote(FIRST, 2, "a"), "has ended its stream 2"],
    [[start, eof1], eof1, "has ended its stream 1"],
    [[start], exit, "has not ended its stream 1"],
    [[start, eof1], exit, "has not ended its stream 2"],
    [[start, eof1, eof2, exit], wrote(FIRST, 1, "a"), "is not alive"],
    [[start, eof1, eof2, exit], exit, "is not alive"],
    [[start, eof1, eof2, exit], start, "cannot be the first process"],
  ];
  for (const [before, event, why] of table) {
    const record = recordOf(before);
    const state = [record.first, record.alive(), record.over, record.exitCode];
    const error = assertThrows(() => record.add(event), Error, why);
    assertEquals(error.message.startsWith(`Cannot take "${event.event}" of process `), true);
    assertEquals([record.first, record.alive(), record.over, record.exitCode], state);
  }
});

Deno.test("RunRecord accepts output of one stream after the end of the other", () => {
  const [eof1] = ended(FIRST);
  recordOf([spawned(null, FIRST), eof1!, wrote(FIRST, 2, "a"), wrote(FIRST, 2, "")]);
});

Deno.test("RunRecord accepts every run, and it is over only after its last event", () => {
  for (let round = 0; round < 100; round++) {
    const seed = round < 80 ? round : crypto.getRandomValues(new Uint32Array(1))[0]!;
    const record = new RunRecord();
    const events = randomRun(randomFrom(seed), 1 + round % 10);
    const alive = new Set<string>();
    for (const event of events) {
      record.add(event);
      if (event.event === "spawn") alive.add(event.pid);
      if (event.event === "exit") alive.delete(event.pid);
      assertEquals(record.over, alive.size === 0, `seed ${seed}`);
    }
    assertEquals(record.over, true, `seed ${seed}`);
    assertEquals(typeof record.exitCode, "number", `seed ${seed}`);
  }
});
