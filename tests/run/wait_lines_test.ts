/** The lines about what processes wait for, and whether that is a standstill. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import type { Pid } from "../../src/core/pid.ts";
import type { Wait, WaitingSpawn, WaitState } from "../../src/core/waits.ts";
import { standstillText } from "../../src/run/standstill.ts";
import { describeWaits, waitLines } from "../../src/run/wait_lines.ts";
import { FIRST, testPid, WORKER } from "../terminal/events.ts";

const HUB = testPid("77bb621");
const GONE = testPid("0000001");
const PROCESSES = [
  { pid: FIRST, name: "main.ts" },
  { pid: WORKER, name: "worker" },
  { pid: HUB, name: "hub" },
];

function waiting(...waits: Wait[]): WaitState {
  return { state: "waits", report: { waits, count: waits.length, progress: 0, mayWake: false } };
}

function recv(remote: Pid, name = "", select = false): Wait {
  return { kind: "recv", remote, name, select };
}

function send(remote: Pid, select = false, received = true): Wait {
  return { kind: "send", remote, name: "", select, unreadBytes: 1024 * 1024, received };
}

function accept(name = "", select = false): Wait {
  return { kind: "accept", name, select };
}

Deno.test("waitLines() gives one line a process, and names processes as everywhere", () => {
  const table: [WaitState, string][] = [
    [waiting(recv(FIRST, "jobs")), 'recv from 3fecd01 main.ts "jobs"'],
    [waiting(recv(GONE)), "recv from 0000001"],
    [waiting(send(HUB)), "send to 77bb621 hub (window full: 1 MiB unread)"],
    [waiting(send(HUB, false, false)), "send to 77bb621 hub (no Receiver yet: 1 MiB unread)"],
    [waiting({ kind: "after", select: true }), "select: after()"],
    [
      waiting({ kind: "reach", remote: FIRST, address: "10.0.0.2:4100", why: "no answer" }),
      "cannot reach 3fecd01 main.ts at 10.0.0.2:4100: no answer",
    ],
    [waiting(accept()), "accept"],
    [waiting(accept("clients")), 'accept "clients"'],
    [waiting({ kind: "wait", remote: HUB, select: false }), "wait 77bb621 hub"],
    [waiting({ kind: "kill", remote: HUB }), "kill 77bb621 hub"],
    [waiting({ kind: "spawn", name: "merge" }), "spawn merge"],
    [
      waiting({ kind: "deliver", remote: FIRST, bytes: 300 * 1024 }),
      "delivering 300 KiB to 3fecd01 main.ts",
    ],
    [
      waiting(recv(FIRST, "a", true), send(HUB, true)),
      'select: recv from 3fecd01 main.ts "a" or send to 77bb621 hub (window full: 1 MiB unread)',
    ],
    [
      waiting(accept("x", true), recv(FIRST)),
      'recv from 3fecd01 main.ts; select: accept "x"',
    ],
    [
      waiting(...Array.from({ length: 6 }, () => accept())),
      "accept; accept; accept; accept; 2 more",
    ],
    [waiting(), "timers, or I/O of its own"],
    [{ state: "computes", forMs: 12_345 }, "computing for 12 s"],
    [{ state: "stopped" }, "stopped by a signal"],
    [{ state: "silent", inspected: false }, "no answer, without computing: in a blocking call"],
    [
      { state: "silent", inspected: true },
      "no answer, without computing: at a breakpoint, or in a blocking call",
    ],
  ];
  for (const [state, expected] of table) {
    const lines = waitLines(describeWaits(PROCESSES, new Map([[WORKER, state]])));
    assertEquals(lines, [`8a3be21 worker   ${expected}`]);
  }
});

Deno.test("a spawn that waits for room says what is free, and who is before it", () => {
  const [mem, cpu] = [2 * 1024 ** 3, 1];
  const free = { mem: 1.2 * 1024 ** 3, cpu: 3 };
  const spawn = (change: Partial<WaitingSpawn> = {}): WaitingSpawn => ({
    ...{ parent: WORKER, name: "merge", resources: { mem, cpu }, before: 3 },
    closest: { node: "10.0.0.2:9999", free },
    ...change,
  });
  const text = "2 GiB and 1 core; largest free: 1.2 GiB and 3 cores on 10.0.0.2:9999";
  const one: Wait = { kind: "spawn", name: "merge" };
  const table: [Wait[], WaitingSpawn[], string][] = [
    [[one], [spawn()], `spawn merge: ${text}; 3 requests before it`],
    [[one], [spawn({ before: 1 })], `spawn merge: ${text}; 1 request before it`],
    [[one], [spawn({ before: 0 })], `spawn merge: ${text}`],
    [
      [one],
      [spawn({ closest: null, before: 0 })],
      "spawn merge: 2 GiB and 1 core; every connected node is too small, or reserved for another request",
    ],
    // It has room, and starts.
    [[one], [], "spawn merge"],
    [[one], [spawn({ parent: HUB })], "spawn merge"],
    [
      [recv(FIRST), one, one],
      [spawn({ before: 0 }), spawn()],
      `recv from 3fecd01 main.ts; spawn merge: ${text}; spawn merge`,
    ],
  ];
  for (const [waits, spawns, expected] of table) {
    const states = new Map([[WORKER, waiting(...waits)]]);
    assertEquals(describeWaits(PROCESSES, states, { spawns }), [
      { pid: WORKER, name: "worker", text: expected },
    ]);
  }
  const first = spawn({ parent: null, name: "main.ts" });
  assertEquals(waitLines(describeWaits([], new Map(), { spawns: [first] })), [
    `main.ts   waits for room: ${text}; 3 requests before it`,
  ]);
});

Deno.test("a process on a node that does not answer says so; one that has just ended is left out", () => {
  const processes = [
    { pid: FIRST, name: "main.ts", node: "10.0.0.1:9999" },
    { pid: WORKER, name: "worker", node: "10.0.0.2:9999" },
    { pid: HUB, name: "hub", node: "10.0.0.1:9999" },
  ];
  const states = new Map([[FIRST, waiting(recv(WORKER))]]);
  const lines = describeWaits(processes, states, { silent: new Set(["10.0.0.2:9999"]) });
  assertEquals(waitLines(lines), [
    "3fecd01 main.ts   recv from 8a3be21 worker",
    "8a3be21 worker    its node 10.0.0.2:9999 does not answer",
  ]);
});

Deno.test("waitLines() aligns the column after titles", () => {
  const states = new Map(PROCESSES.map(({ pid }) => [pid, waiting(accept())]));
  assertEquals(waitLines(describeWaits(PROCESSES, states)), [
    "3fecd01 main.ts   accept",
    "8a3be21 worker    accept",
    "77bb621 hub       accept",
  ]);
});

const UNLESS = " (unless a timer or input of their own wakes them)";

/** The text for three processes in these states, in order. */
function standstill(...states: WaitState[]): string | undefined {
  const processes = PROCESSES.slice(0, states.length);
  return standstillText(processes, new Map(states.map((each, at) => [PROCESSES[at]!.pid, each])));
}

Deno.test("standstillText() names the circle of processes that wait for each other", () => {
  assertEquals(
    standstill(waiting(recv(WORKER, "jobs")), waiting(recv(FIRST))),
    "processes wait for each other, in a circle: " +
      '3fecd01 main.ts: recv from 8a3be21 worker "jobs"; 8a3be21 worker: recv from 3fecd01 main.ts' +
      UNLESS,
  );
  assertEquals(
    standstill(
      waiting({ kind: "wait", remote: WORKER, select: false }),
      waiting(recv(HUB, "", true), recv(FIRST, "", true)),
      waiting(send(WORKER)),
    ),
    "processes wait for each other, in a circle: 8a3be21 worker: recv from 77bb621 hub; " +
      "77bb621 hub: send to 8a3be21 worker (window full: 1 MiB unread)" + UNLESS,
  );
  assertEquals(
    standstill(waiting(recv(WORKER)), waiting(accept("clients"))),
    "no process can go on, since each waits for another one: " +
      '3fecd01 main.ts: recv from 8a3be21 worker; 8a3be21 worker: accept "clients"' + UNLESS,
  );
});

Deno.test("standstillText() returns nothing if a process can continue", () => {
  const stuck = waiting(recv(WORKER));
  const table: [string, WaitState][] = [
    ["one that waits for nothing of the runtime", waiting()],
    ["one that computes", { state: "computes", forMs: 60_000 }],
    ["one that is stopped", { state: "stopped" }],
    ["a spawn", waiting({ kind: "spawn", name: "merge" })],
    ["a timer", waiting(recv(FIRST, "", true), { kind: "after", select: true })],
    ["a kill", waiting({ kind: "kill", remote: FIRST })],
    ["a wait for a process that has ended", waiting(recv(GONE))],
    [
      "a select of which one operation is for a process that has ended",
      waiting(recv(FIRST), recv(GONE)),
    ],
    [
      "I/O of its own",
      { state: "waits", report: { waits: [recv(FIRST)], count: 1, progress: 0, mayWake: true } },
    ],
    [
      "one that waits for more than it tells",
      { state: "waits", report: { waits: [recv(FIRST)], count: 2, progress: 0, mayWake: false } },
    ],
  ];
  for (const [what, state] of table) assertEquals(standstill(stuck, state), undefined, what);
  assertEquals(standstillText(PROCESSES.slice(0, 2), new Map([[FIRST, stuck]])), undefined);
  assertEquals(standstillText([], new Map()), undefined);
});
