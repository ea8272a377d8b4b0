// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { faultsOf, type ProgramPlan, programsOf } from "../../scripts/chaos/plan.ts";
import { heldMore, type Holding, type Holdings } from "../../scripts/chaos/holdings.ts";
import { report } from "../../scripts/chaos/report.ts";
import {
  type Happened,
  isSilence,
  type RunEnd,
  type Seen,
  violations,
} from "../../scripts/chaos/seen.ts";
import { describeSockets } from "../../scripts/chaos/sockets.ts";
import { randomOf } from "../../src/testing/chaos.ts";

const PLAN: ProgramPlan = {
  kind: "streams",
  processes: 2,
  values: 10,
  bytes: 1,
  pauseMs: 0,
  ending: "return",
  depth: 1,
};

const WHOLE = {
  what: "stream",
  child: "a",
  received: 10,
  end: null,
  status: { code: 0 },
} satisfies Seen;
const DONE: Seen = { what: "done", lost: null };

function endOf(seen: readonly Seen[], more: Partial<RunEnd> = {}): RunEnd {
  const statuses = new Map(
    seen.flatMap((each) => each.what === "done" ? [] : [[each.child, each.status!] as const]),
  );
  const lines = seen.map((each) => `seen ${JSON.stringify(each)}`);
  return { code: 0, lines, stderr: "", statuses, happened: new Set(), ...more };
}

const LOST = { lost: "its node is gone" };
const FAILED = { code: 3 };

/** What a program saw, and the beginning of what does not hold; empty if everything does. */
const CASES: readonly [name: string, seen: readonly Seen[], expected: string][] = [
  ["a whole stream", [WHOLE, DONE], ""],
  ["a whole stream of a process that failed", [
    { ...WHOLE, end: { kind: "failed", status: FAILED }, status: FAILED },
    DONE,
  ], ""],
  ["a cut stream of a lost process", [
    { ...WHOLE, received: 4, end: { kind: "lost", status: LOST }, status: LOST },
    DONE,
  ], ""],
  ["a cut stream that ends cleanly", [{ ...WHOLE, received: 4, status: LOST }, DONE], "cut"],
  ["a cut stream of a process that ended by itself", [
    { ...WHOLE, received: 4, end: { kind: "failed", status: FAILED }, status: FAILED },
    DONE,
  ], "lost"],
  ["two truths about an end", [
    {
      ...WHOLE,
      received: 4,
      end: { kind: "lost", status: { signal: "SIGKILL" } },
      status: LOST,
    },
    DONE,
  ], "told apart"],
  ["a program that ended early", [WHOLE], "unexplained"],
  ["a program that ended early after a loss", [
    { what: "member", child: "b", status: { signal: "SIGKILL" } },
  ], ""],
];

for (const [name, seen, expected] of CASES) {
  Deno.test(`chaos: ${name} is ${expected === "" ? "as promised" : "a violation"}`, () => {
    const found = violations(PLAN, endOf(seen));
    assertEquals(found.map((line) => line.split(/[:,]/)[0]), expected === "" ? [] : [expected]);
  });
}

Deno.test("chaos: what a program itself found wrong is a violation, and so is what the terminal shows otherwise", () => {
  const end = endOf([WHOLE, DONE]);
  const wrong = { ...end, lines: [...end.lines, "wrong lost: value 3 of a"] };
  assertEquals(violations(PLAN, wrong), ["lost: value 3 of a"]);
  const other = endOf([WHOLE, DONE], { statuses: new Map([["a", LOST]]) });
  assertEquals(violations(PLAN, other).length, 1);
  assertEquals(violations(PLAN, endOf([], { happened: new Set(["ended"]), code: 143 })), []);
  // Nobody can tell deploy any more how a process of a lost bridge ended.
  const unknown = new Map([["a", { lost: "the bridge did not answer for 10 s" }]]);
  const lost = endOf([WHOLE], { statuses: unknown });
  assertEquals(violations(PLAN, lost).length, 1);
  assertEquals(violations(PLAN, { ...lost, happened: new Set(["head-lost"]) }), []);
});

Deno.test("chaos: a run in which a part was silent for too long may be lost; nothing else may happen to it", () => {
  const stderr = "deploy: lost the bridge 127.0.0.1:1: it did not answer for 10 s";
  assert(isSilence(stderr) && isSilence("node a did not answer for 2.5 s"));
  assert(isSilence("Cannot connect: what listens there did not answer within 5 s"));
  assert(!isSilence("node a closed the connection") && !isSilence("it did not answer"));
  const happened = new Set<Happened>(["silent"]);
  assertEquals(violations(PLAN, endOf([], { stderr, happened, code: 1 })), []);
  const cut = { ...WHOLE, received: 4 };
  assertEquals(violations(PLAN, endOf([cut], { stderr, happened, code: 1 })).length, 2);
});

Deno.test("chaos: a program that does not start is explained by what happened to it, and by nothing else", () => {
  const happened = new Set<Happened>(["process-killed"]);
  const stderr = "deploy: Cannot start: the program was killed by SIGKILL before await init()";
  assertEquals(violations(PLAN, endOf([], { happened, stderr, code: 1 })), []);
  assertEquals(violations(PLAN, endOf([], { stderr, code: 1 })).length, 1);
  const other = { happened, stderr: "deploy: Cannot start: no node answers", code: 1 };
  assertEquals(violations(PLAN, endOf([], other)).length, 1);
  const lost = "Cannot tell whether the first process was started: node a:1 is gone: it broke";
  assertEquals(violations(PLAN, endOf([], { stderr: lost, code: 1 })).length, 1);
  const killed = new Set<Happened>(["node-killed"]);
  assertEquals(violations(PLAN, endOf([], { happened: killed, stderr: lost, code: 1 })), []);
  // A program that has started is told of what happens to others.
  assertEquals(violations(PLAN, endOf([WHOLE], { happened, stderr })).length, 1);
});

Deno.test("chaos: what a cluster holds at the end and not at the beginning is a leak", () => {
  const part: Holding = {
    files: { socket: 15, pipe: 5 },
    sockets: ["/a"],
    memMiB: 100,
    children: 2,
  };
  const before: Holdings = { parts: { master: part }, nodes: ["a: free"], runFolders: [] };
  const after = (more: Partial<Holding>): Holdings => ({
    ...before,
    parts: { master: { ...part, ...more } },
  });
  const table: [Holdings, string[]][] = [
    [before, []],
    [after({ files: { socket: 10, pipe: 8, "/a": 2 }, memMiB: 200 }), []],
    [after({ files: { socket: 18, pipe: 3 } }), [
      "master has 21 files open, not 20 (3 more: socket; sockets: /a; before: /a)",
    ]],
    [after({ memMiB: 300 }), ["master has 300 MiB, more than 214"]],
    [after({ children: 3 }), ["master has 3 children, not 2"]],
    [{ ...before, parts: {} }, ["master does not run"]],
    [{ ...before, nodes: ["a: used"] }, ["deploy nodes says a: used, not a: free"]],
    [{ ...before, nodes: [] }, ["deploy nodes lists 0 nodes, not 1"]],
    [{ ...before, runFolders: ["/a"] }, ["the folder of a run: /a"]],
  ];
  for (const [now, expected] of table) assertEquals(heldMore(before, now), expected);
});

Deno.test("chaos: a leak of sockets says what each is, in the kernel's view", () => {
  const tcp = [
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
    "   0: 0100007F:0FA0 0100007F:94E0 08 00000000:00000000 00:00000000 00000000     0        0 77 1",
    "   1: 0100007F:0FA1 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 78 1",
  ].join("\n");
  const unix = [
    "Num       RefCount Protocol Flags    Type St Inode Path",
    "0000000000000000: 00000002 00000000 00010000 0001 01 79 /run/control",
    "0000000000000000: 00000003 00000000 00000000 0001 03 80",
    "0000000000000000: 00000003 00000000 00000000 0001 03 81",
  ].join("\n");
  assertEquals(describeSockets(new Set(["77", "79", "80"]), tcp, unix), [
    "/run/control",
    "127.0.0.1:4000 - 127.0.0.1:38112 08",
    "no path",
  ]);
});

Deno.test("chaos: a seed draws the same programs and faults, of every kind", () => {
  const draw = (seed: number) => {
    const [programs, faults] = [programsOf(randomOf(seed)), faultsOf(randomOf(seed))];
    return Array.from({ length: 200 }, () => [programs.next().value, faults.next().value] as const);
  };
  assertEquals(draw(5), draw(5));
  assert(JSON.stringify(draw(5)) !== JSON.stringify(draw(6)));
  assertEquals(new Set(draw(5).map(([{ kind }]) => kind)).size, 5);
  assertEquals(new Set(draw(5).map(([, { kind }]) => kind)).size, 10);
  const some = faultsOf(randomOf(5), ["kill-node", "stop-run"]);
  const kinds = Array.from({ length: 50 }, () => some.next().value.kind);
  assertEquals(new Set(kinds), new Set(["kill-node", "stop-run"]));
});

Deno.test("chaos: the report has what was done, and what did not hold", () => {
  const base = { programs: { ring: 2 }, faults: {}, processes: 9, values: 3, silences: 1 };
  assertEquals(
    report({ ...base, violations: [] }),
    "programs   2 (ring 2)\nfaults     0\nprocesses  9\nvalues     3\nsilences   1\nall as promised",
  );
  assertEquals(
    report({ ...base, violations: ["x: lost"] }).split("\n").slice(-2),
    ["NOT as promised: 1", "  x: lost"],
  );
});
