/** What is said to have failed first. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import type { RunEvent } from "../../src/core/events.ts";
import type { ExitStatus } from "../../src/core/exit_status.ts";
import type { Pid } from "../../src/core/pid.ts";
import { FirstFailure } from "../../src/run/first_failure.ts";
import { NEW_RUN, step } from "../../src/run/run_state.ts";
import { FIRST, testPid, wrote } from "../terminal/events.ts";

const [A, B] = [testPid("aaaaaaa"), testPid("bbbbbbb")];

function start(pid: Pid, name: string, node: string | null = null): RunEvent {
  return { event: "spawn", parent: pid === FIRST ? null : FIRST, pid, name, node, time: 0 };
}

function exit(pid: Pid, status: ExitStatus, time: number, lastLines = ""): RunEvent[] {
  const record = { peakBytes: null, cpuMs: null, lastLines };
  return [
    { event: "eof", pid, fd: 1 },
    { event: "eof", pid, fd: 2 },
    { event: "exit", pid, status, record, time },
  ];
}

/** What is said at the end of a run with these events after the starts of its processes. */
function said(events: RunEvent[], code: number, run?: string): string | undefined {
  const failure = new FirstFailure();
  const starts = [start(FIRST, "main.ts"), start(A, "a", "10.0.0.2:9999"), start(B, "b")];
  let state = NEW_RUN;
  for (const event of [...starts, ...events]) {
    failure.took(state, event);
    state = step(state, event);
  }
  return failure.text(state, code, run);
}

const OK = { code: 0 };

Deno.test("FirstFailure names the process that failed, and where, how and after how long", () => {
  const table: [ExitStatus, string][] = [
    [{ code: 1 }, "exited with 1"],
    [{ signal: "SIGKILL" }, "was ended by SIGKILL"],
    [
      { killed: "memory: 131 MiB used, 100 MiB asked" },
      "was killed (memory: 131 MiB used, 100 MiB asked)",
    ],
    [{ lost: "its node was lost" }, "was lost (its node was lost)"],
  ];
  for (const [status, how] of table) {
    const events = [...exit(A, status, 12_345), ...exit(B, OK, 20_000), ...exit(FIRST, OK, 30_000)];
    assertEquals(
      said(events, 101),
      `the run failed with 101: aaaaaaa a on 10.0.0.2:9999 ${how}, 12 s after its start`,
    );
  }
});

Deno.test("FirstFailure says nothing of success, nor of a first process whose failure is in sight", () => {
  const before = [...exit(A, OK, 1), ...exit(B, OK, 1)];
  assertEquals(said([...before, ...exit(FIRST, OK, 2)], 0), undefined);
  assertEquals(said([...before, ...exit(FIRST, { code: 3 }, 2)], 3), undefined);
  // Others went on.
  assertEquals(
    said([...exit(FIRST, { code: 3 }, 500), ...before], 3),
    "the run failed with 3: 3fecd01 main.ts exited with 3, 0.5 s after its start",
  );
});

Deno.test("FirstFailure names the process whose failure the others failed of", () => {
  const noticed = (pid: Pid): RunEvent => ({ event: "noticed", pid });
  const b = "bbbbbbb b exited with 1, 5.0 s after its start";
  // b fails, a is told of it and fails, the first process is told of that and fails.
  assertEquals(
    said([
      ...[...exit(B, { code: 1 }, 5_000), noticed(B)],
      ...[...exit(A, { code: 1 }, 5_010), noticed(A)],
      ...exit(FIRST, { code: 1 }, 5_020),
    ], 1),
    `the run failed with 1: ${b}; 2 others failed after it`,
  );
  // The program was told of it, and went on; long after that, it failed by itself.
  const late = [...exit(B, { code: 1 }, 5_000), noticed(B), ...exit(A, OK, 60_000)];
  assertEquals(said([...late, ...exit(FIRST, { code: 4 }, 60_001)], 4), undefined);
  // A failure that nobody was told of.
  assertEquals(
    said([...exit(B, { code: 1 }, 5_000), ...exit(A, OK, 60_000), ...exit(FIRST, OK, 60_001)], 101),
    `the run failed with 101: ${b}`,
  );
});

Deno.test("FirstFailure repeats last lines that are out of sight, and says where there is more", () => {
  const events = (bytes: number) => [
    ...exit(B, { code: 1 }, 5_000, "error: Uncaught\n    at b.ts:1:1\n"),
    wrote(A, 1, "x".repeat(bytes)),
    ...exit(A, OK, 6_000),
    ...exit(FIRST, OK, 7_000),
  ];
  const text = "the run failed with 101: bbbbbbb b exited with 1, 5.0 s after its start";
  const see = "see: deploy logs bafo-kine --process bbbbbbb, and deploy ps bafo-kine";
  assertEquals(said(events(10), 101, "bafo-kine"), `${text}\n${see}`);
  assertEquals(
    said(events(5_000), 101, "bafo-kine"),
    `${text}; its last lines:\n   error: Uncaught\n       at b.ts:1:1\n${see}`,
  );
});

Deno.test("FirstFailure remembers a bounded number of failures", () => {
  const failure = new FirstFailure();
  let state = step(NEW_RUN, start(FIRST, "main.ts"));
  const take = (event: RunEvent) => {
    failure.took(state, event);
    state = step(state, event);
  };
  for (let at = 0; at < 3_000; at++) {
    const pid = testPid((0x1000000 + at).toString(16));
    take(start(pid, `w${at}`));
    for (const event of exit(pid, { code: 1 }, at * 100)) take(event);
    take({ event: "noticed", pid });
  }
  for (const event of exit(FIRST, { code: 1 }, 300_000)) take(event);
  assertEquals(
    failure.text(state, 1),
    "the run failed with 1: 1000ba4 w2980 exited with 1, 5 min after its start; " +
      "20 others failed after it",
  );
});
