/** A node says which hosts its processes cannot reach, once in a while. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { makePid, type Pid } from "../../src/core/pid.ts";
import { UnreachedNotice } from "../../src/node/unreached_notice.ts";

function pid(digit: string, host: string): Pid {
  return makePid(digit.repeat(32), host, 20_001);
}

Deno.test("a pair of hosts is mentioned once a minute for each reason", () => {
  const notice = new UnreachedNotice();
  const [a, b] = [pid("a", "10.0.0.1"), pid("b", "10.0.0.1")];
  const [c, d] = [pid("c", "fd00::2"), pid("d", "10.0.0.3")];
  const refused = "connection refused";
  const table: [atMs: number, from: Pid, to: Pid, why: string, said: string | undefined][] = [
    [0, a, c, refused, "aaaaaaa of run bafo cannot reach ccccccc at [fd00::2]:20001 from 10.0.0.1"],
    [1, b, c, refused, undefined],
    [2, a, d, refused, "aaaaaaa of run bafo cannot reach ddddddd at 10.0.0.3:20001 from 10.0.0.1"],
    [3, a, c, "no answer", "aaaaaaa of run bafo cannot reach ccccccc at [fd00::2]:20001"],
    [59_999, a, c, refused, undefined],
    [60_000, b, c, refused, "bbbbbbb of run bafo cannot reach ccccccc at [fd00::2]:20001"],
    [60_001, a, d, refused, undefined],
    [60_002, a, d, refused, "aaaaaaa of run bafo cannot reach ddddddd"],
  ];
  for (const [atMs, from, to, why, said] of table) {
    const line = notice.line({ run: "bafo", from, to, why }, atMs);
    assertEquals(line?.startsWith(`process ${said}`), said === undefined ? undefined : true, line);
    if (line !== undefined) assertEquals(line.includes(`: ${why}; `), true, line);
  }
});
