/** Which connections a process accepts: the pure part of the verdict on a greeting. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import {
  CROSSED_MS,
  type Greeting,
  judge,
  type Standing,
  Verdict,
} from "../../src/channel/greeting.ts";
import { makePid, parsePid, type Pid } from "../../src/core/pid.ts";

const SMALLER = makePid("0".repeat(32), "127.0.0.1", 4100);
const LARGER = makePid("f".repeat(32), "127.0.0.1", 4100);

/** The verdict of `pid` on a greeting from `from`. */
function verdict(
  pid: Pid,
  from: Pid,
  greeting: Partial<Greeting>,
  standing: Partial<Standing>,
): Verdict {
  return judge(
    { from, to: parsePid(pid)!.id, offset: 100, posthumous: false, ...greeting },
    { pid, gone: false, acked: 100, dialledAgoMs: Infinity, ...standing },
  );
}

Deno.test("a connection is taken, unless its dialer is taken for gone", () => {
  for (const [pid, from] of [[SMALLER, LARGER], [LARGER, SMALLER]] as const) {
    assertEquals(verdict(pid, from, {}, {}), Verdict.welcome);
    for (const greeting of [{}, { posthumous: true }, { offset: 0 }]) {
      assertEquals(verdict(pid, from, greeting, { gone: true }), Verdict.gone);
    }
  }
});

Deno.test("of two connections dialled at once, that of the smaller Pid is kept", () => {
  const table: [number, Verdict][] = [
    [0, Verdict.crossed],
    [CROSSED_MS - 1, Verdict.crossed],
    [CROSSED_MS, Verdict.welcome],
    [Infinity, Verdict.welcome],
  ];
  for (const [dialledAgoMs, expected] of table) {
    assertEquals(verdict(SMALLER, LARGER, {}, { dialledAgoMs }), expected);
    assertEquals(verdict(LARGER, SMALLER, {}, { dialledAgoMs }), Verdict.welcome);
  }
});

Deno.test("a connection that delivers a will is accepted, whoever else dials", () => {
  const greeting = { posthumous: true };
  assertEquals(verdict(SMALLER, LARGER, greeting, { dialledAgoMs: 0 }), Verdict.welcome);
});

Deno.test("an attempt from before the last connection is not taken", () => {
  const table: [number, Verdict][] = [
    [0, Verdict.crossed],
    [99, Verdict.crossed],
    [100, Verdict.welcome],
    [101, Verdict.welcome],
  ];
  for (const [offset, expected] of table) {
    for (const [pid, from] of [[SMALLER, LARGER], [LARGER, SMALLER]] as const) {
      for (const posthumous of [false, true]) {
        assertEquals(verdict(pid, from, { offset, posthumous }, {}), expected);
      }
    }
  }
});
