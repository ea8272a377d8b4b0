/** What processes have sent, added up from samples. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import type { Pid } from "../../src/core/pid.ts";
import type { ProcessSample } from "../../src/core/samples.ts";
import { ChannelMeter } from "../../src/run/channel_meter.ts";

const [A, B, C] = ["a", "b", "c"].map((id) => `${id.repeat(32)}@h:1` as Pid) as [Pid, Pid, Pid];

function sample(pid: Pid, ...sent: [remote: Pid, values: number, bytes: number][]): ProcessSample {
  const traffic = sent.map(([remote, values, bytes]) => ({ remote, values, bytes, full: [] }));
  return { ...{ pid, activity: "idle", on: null, waits: "", usage: null }, traffic };
}

Deno.test("ChannelMeter adds up what each process has sent to each other one, and never less than before", () => {
  const meter = new ChannelMeter();
  const steps: [samples: ProcessSample[], values: number, bytes: number][] = [
    [[sample(A, [B, 1, 10]), sample(B)], 1, 10],
    [[sample(A, [B, 1, 10], [C, 2, 5]), sample(B, [A, 3, 7])], 6, 22],
    // One has ended; what it sent stays.
    [[sample(A, [B, 4, 20], [C, 2, 5])], 9, 32],
    [[], 9, 32],
  ];
  for (const [samples, values, bytes] of steps) {
    meter.took(samples);
    assertEquals(meter.total, { values, bytes });
  }
});

Deno.test("ChannelMeter counts from 0 what a process had forgotten", () => {
  const meter = new ChannelMeter();
  meter.took([sample(A, [B, 5, 50])]);
  meter.took([sample(A, [B, 1, 8])]);
  assertEquals(meter.total, { values: 6, bytes: 58 });
});
