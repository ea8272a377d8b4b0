/** The notices about spawns that wait for room. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { WaitNotice } from "../../src/core/wait_notice.ts";

/** A notice, and a clock moved by hand. */
function clocked(): { notice: WaitNotice; said: string[]; pass(): void } {
  const timers = new Set<() => void>();
  const said: string[] = [];
  const notice = new WaitNotice((ms, then) => {
    assertEquals(ms, 10_000);
    timers.add(then);
    return () => timers.delete(then);
  }, (text) => said.push(text));
  const pass = () => {
    const due = [...timers];
    timers.clear();
    for (const then of due) then();
  };
  return { notice, said, pass };
}

Deno.test("WaitNotice gives nothing for a spawn that gets room within 10 s", () => {
  const { notice, said, pass } = clocked();
  const stop = notice.begin(() => "a");
  stop();
  pass();
  assertEquals(said, []);
});

Deno.test("WaitNotice gives one line for many waiting spawns, and another after none waited", () => {
  const { notice, said, pass } = clocked();
  const stops = ["a", "b", "c"].map((text) => notice.begin(() => text));
  pass();
  assertEquals(said, ["a"]);
  stops[0]!();
  const later = notice.begin(() => "d");
  pass();
  assertEquals(said, ["a"]);
  for (const stop of [later, stops[1]!, stops[2]!]) stop();
  notice.begin(() => "e");
  pass();
  assertEquals(said, ["a", "e"]);
});
