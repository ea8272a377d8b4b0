/** The action at each signal that ends a run. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { type EndSignal, EndSignalCounter } from "../../src/terminal/end_signals.ts";

Deno.test("EndSignalCounter: the first tells, the second kills, every other one leaves", () => {
  const elsewhere = { isTerminal: false, isTask: false };
  const terminal = { isTerminal: true, isTask: false };
  const task = { isTerminal: true, isTask: true };
  const table: [
    where: typeof terminal,
    signals: [EndSignal, atMs: number][],
    steps: unknown[],
  ][] = [
    [elsewhere, [["SIGINT", 0], ["SIGINT", 0], ["SIGINT", 1]], ["tell", "kill", "leave"]],
    [terminal, [["SIGINT", 0], ["SIGINT", 300], ["SIGTERM", 301], ["SIGINT", 302]], [
      "tell",
      "kill",
      "leave",
      "leave",
    ]],
    // As somebody else in the group of the terminal may pass it on.
    [terminal, [["SIGINT", 0], ["SIGINT", 3], ["SIGINT", 400], ["SIGINT", 401]], [
      "tell",
      undefined,
      "kill",
      undefined,
    ]],
    // As deno task passes it on, where the machine is busy.
    [task, [["SIGINT", 0], ["SIGINT", 300], ["SIGINT", 600], ["SIGINT", 1_000]], [
      "tell",
      undefined,
      "kill",
      undefined,
    ]],
    [{ ...elsewhere, isTask: true }, [["SIGINT", 0], ["SIGINT", 1]], ["tell", "kill"]],
    [terminal, [["SIGTERM", 0], ["SIGINT", 1]], ["tell", "kill"]],
    // As a shell passes it on.
    [terminal, [["SIGHUP", 0], ["SIGHUP", 1], ["SIGHUP", 2_000]], ["tell", undefined, undefined]],
    [elsewhere, [["SIGHUP", 0], ["SIGHUP", 1], ["SIGTERM", 2_000]], ["tell", undefined, "kill"]],
  ];
  for (const [where, signals, steps] of table) {
    const counter = new EndSignalCounter(where);
    const taken = signals.map(([signal, atMs]) => counter.take(signal, atMs));
    assertEquals(taken, steps, JSON.stringify(signals));
  }
});
