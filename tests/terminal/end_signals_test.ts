/** The action at each signal that ends a run. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { type EndSignal, EndSignalCounter } from "../../src/terminal/end_signals.ts";

Deno.test("EndSignalCounter: the first tells, the second kills, every other one leaves", () => {
  const table: [terminal: boolean, signals: [EndSignal, atMs: number][], steps: unknown[]][] = [
    [false, [["SIGINT", 0], ["SIGINT", 0], ["SIGINT", 1]], ["tell", "kill", "leave"]],
    [true, [["SIGINT", 0], ["SIGINT", 300], ["SIGTERM", 301], ["SIGINT", 302]], [
      "tell",
      "kill",
      "leave",
      "leave",
    ]],
    // As deno task passes it on.
    [true, [["SIGINT", 0], ["SIGINT", 3], ["SIGINT", 400], ["SIGINT", 401]], [
      "tell",
      undefined,
      "kill",
      undefined,
    ]],
    [true, [["SIGTERM", 0], ["SIGINT", 1]], ["tell", "kill"]],
    // As a shell passes it on.
    [true, [["SIGHUP", 0], ["SIGHUP", 1], ["SIGHUP", 2_000]], ["tell", undefined, undefined]],
    [false, [["SIGHUP", 0], ["SIGHUP", 1], ["SIGTERM", 2_000]], ["tell", undefined, "kill"]],
  ];
  for (const [isTerminal, signals, steps] of table) {
    const counter = new EndSignalCounter(isTerminal);
    const taken = signals.map(([signal, atMs]) => counter.take(signal, atMs));
    assertEquals(taken, steps, JSON.stringify(signals));
  }
});
