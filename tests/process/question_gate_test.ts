// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { QuestionGate } from "../../src/process/node_link.ts";

Deno.test("so many pass at a time, in order; the next when one leaves", async () => {
  const gate = new QuestionGate(2, 100);
  const passed: string[] = [];
  const enter = async (name: string, bytes = 0) => {
    await gate.enter(bytes);
    passed.push(name);
  };
  const all = ["a", "b", "c", "d"].map((name) => enter(name));
  await Promise.all(all.slice(0, 2));
  assertEquals(passed, ["a", "b"]);
  gate.leave(0);
  await all[2];
  assertEquals(passed, ["a", "b", "c"]);
  gate.leave(0);
  await all[3];
});

Deno.test("arguments of so many bytes pass together, and a larger one alone", () => {
  const gate = new QuestionGate(10, 100);
  assertEquals(gate.enter(60), undefined);
  const larger = gate.enter(200);
  const small = gate.enter(1);
  assertEquals([larger === undefined, small === undefined], [false, false], "nobody overtakes");
  gate.leave(60);
  assertEquals(gate.enter(0) === undefined, false);
  gate.leave(200);
  assertEquals(gate.enter(1), undefined);
});

Deno.test("100,000 that wait cost no more each than a few", async () => {
  const gate = new QuestionGate(1, 0);
  gate.enter(0);
  let passed = 0;
  const waiting: Promise<void>[] = [];
  for (let count = 0; count < 100_000; count++) {
    waiting.push(gate.enter(0)!.then(() => {
      passed++;
      gate.leave(0);
    }));
  }
  gate.leave(0);
  await Promise.all(waiting);
  assertEquals(passed, 100_000);
});
