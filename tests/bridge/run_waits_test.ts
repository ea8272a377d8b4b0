/** How a bridge finds out what the processes of a run wait for. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import type { HostLink } from "../../src/bridge/host_link.ts";
import { RunWaits } from "../../src/bridge/run_waits.ts";
import { ProtocolError } from "../../src/core/errors.ts";
import type { WaitState } from "../../src/core/waits.ts";
import type { BridgeToNode } from "../../src/wire/run_messages.ts";
import { FIRST, WORKER } from "../terminal/events.ts";

const COMPUTES: WaitState = { state: "computes", forMs: 7_000 };
const STOPPED: WaitState = { state: "stopped" };

/** A node that records the questions. */
function node(name = "n"): { link: HostLink; asked: number[] } {
  const asked: number[] = [];
  const send = (message: BridgeToNode) => {
    if ("request" in message) asked.push(message.request);
    return Promise.resolve();
  };
  return { link: { send, connected: true, node: name } as unknown as HostLink, asked };
}

/** A timer that the test fires. */
function manualTimer(): { start: (ms: number, then: () => void) => () => void; fire: () => void } {
  const due = new Set<() => void>();
  return {
    start: (ms, then) => {
      assertEquals(ms, 2_000);
      due.add(then);
      return () => due.delete(then);
    },
    fire: () => {
      for (const then of due) then();
      due.clear();
    },
  };
}

Deno.test("ask() puts together what all nodes answer", async () => {
  const waits = new RunWaits(manualTimer().start);
  const [one, other] = [node(), node()];
  waits.add(one.link);
  waits.add(other.link);
  const asking = waits.ask();
  const answer = (asked: number[], pid: typeof FIRST, state: WaitState) =>
    ({
      type: "waits" as const,
      request: asked[0]!,
      processes: [{ pid, state }],
    }) satisfies Parameters<RunWaits["answer"]>[1];
  waits.answer(other.link, answer(other.asked, WORKER, STOPPED));
  waits.answer(one.link, answer(one.asked, FIRST, COMPUTES));
  const { states, silent } = await asking;
  assertEquals([...states], [[FIRST, COMPUTES], [WORKER, STOPPED]]);
  assertEquals([...silent], []);
});

Deno.test("usage() puts together what those nodes answer that do", async () => {
  const timer = manualTimer();
  const waits = new RunWaits(timer.start);
  const [one, other] = [node(), node()];
  waits.add(one.link);
  waits.add(other.link);
  const asking = waits.usage();
  const processes = [{ pid: WORKER, memBytes: 5, peakBytes: 9, cpuMs: 1.5 }];
  waits.answer(one.link, { type: "usages", request: one.asked[0]!, processes });
  await new Promise((resolve) => setTimeout(resolve));
  timer.fire();
  assertEquals(await asking, processes);
});

Deno.test("samples() puts together what all nodes answer, and names those that do not", async () => {
  const timer = manualTimer();
  const waits = new RunWaits(timer.start);
  const [one, other] = [node("one"), node("other")];
  waits.add(one.link);
  waits.add(other.link);
  const asking = waits.samples();
  const usage = { memBytes: 5, cpuMs: 1.5, ageMs: 7 };
  const sample = { pid: WORKER, state: COMPUTES, usage, traffic: [] };
  waits.answer(one.link, { type: "samples", request: one.asked[0]!, processes: [sample] });
  await new Promise((resolve) => setTimeout(resolve));
  timer.fire();
  const { samples, silent } = await asking;
  assertEquals([...samples], [[WORKER, sample]]);
  assertEquals([...silent], ["other"]);
});

Deno.test("a node that does not answer, or goes away, is known not to", async () => {
  const timer = manualTimer();
  const waits = new RunWaits(timer.start);
  const [silent, gone] = [node("silent"), node("gone")];
  waits.add(silent.link);
  waits.add(gone.link);
  const asking = waits.ask();
  waits.remove(gone.link);
  timer.fire();
  const { states, silent: without } = await asking;
  assertEquals([...states], []);
  assertEquals([...without], ["silent", "gone"]);
  const late = { type: "waits" as const, request: silent.asked[0]!, processes: [] };
  waits.answer(silent.link, late);
  assertThrows(() => waits.answer(silent.link, late), ProtocolError);
});
