/** Which process gets the next call, and how many processes there are. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import {
  backOffMs,
  choose,
  growth,
  mayBeLong,
  paceAfter,
  queueDepth,
  UNKNOWN_PACE,
} from "../../src/pool/schedule.ts";
import { Queue } from "../../src/pool/queue.ts";

Deno.test("choose(): the least loaded process that has room, and none behind what may be long", () => {
  // Loads as "calls/those that may be long", concurrency, depth, and which is chosen.
  const cases: [string, number, number, number | undefined][] = [
    ["", 1, 9, undefined],
    ["0/0", 1, 1, 0],
    ["1/0 0/0", 1, 1, 1],
    ["1/1", 1, 9, undefined],
    ["1/0", 1, 1, 0],
    ["2/0", 1, 1, undefined],
    ["2/0", 1, 2, 0],
    ["2/1", 1, 9, undefined],
    ["1/1 3/0", 1, 9, 1],
    ["1/1", 2, 1, 0],
    ["2/2 1/1", 2, 1, 1],
    ["3/0 2/0", 1, 9, 1],
  ];
  for (const [text, concurrency, depth, expected] of cases) {
    const processes = text.split(" ").filter((part) => part !== "").map((part) => {
      const [load = 0, longCalls = 0] = part.split("/").map(Number);
      return { load, longCalls };
    });
    const chosen = choose(processes, concurrency, depth);
    assertEquals(chosen && processes.indexOf(chosen), expected, text);
  }
});

Deno.test("a task is long until a call of it was short, and again after one that was long", () => {
  let pace = UNKNOWN_PACE;
  assertEquals([mayBeLong(pace), queueDepth(pace)], [true, 1]);
  pace = paceAfter(pace, 0.125);
  assertEquals([mayBeLong(pace), queueDepth(pace)], [false, 8]);
  for (let n = 0; n < 200; n++) pace = paceAfter(pace, 0);
  assertEquals([mayBeLong(pace), queueDepth(pace)], [false, 256]);
  pace = paceAfter(pace, 50);
  assertEquals([mayBeLong(pace), queueDepth(pace)], [true, 1]);
  // It is forgotten, but slowly.
  let calls = 0;
  for (; mayBeLong(pace); calls++) pace = paceAfter(pace, 0);
  assertEquals(calls, 230);
});

Deno.test("growth(): up to the minimum always, up to the maximum while calls wait, doubling", () => {
  const cases: [number, number, number, number, number, number][] = [
    // waiting, processes, starting, min, max: how many more
    [0, 0, 0, 2, 4, 2],
    [0, 1, 1, 2, 4, 0],
    [5, 2, 0, 2, 4, 2],
    [1, 2, 0, 2, 4, 1],
    [1, 2, 1, 2, 4, 0],
    [9, 4, 0, 2, 4, 0],
    [99, 3, 0, 1, 1000, 3],
    [99, 3, 2, 1, 1000, 1],
    [99, 0, 0, 5, 1000, 5],
    [9, 0, 0, 0, 1, 1],
    [0, 0, 0, 0, 1, 0],
  ];
  for (const [waiting, processes, starting, min, max, expected] of cases) {
    const more = growth({ waiting, processes, starting, min, max });
    assertEquals(more, expected, `${waiting} ${processes} ${starting} ${min} ${max}`);
  }
});

Deno.test("backOffMs(): none for one death, then twice as long for each, up to 5 s", () => {
  assertEquals([0, 1, 2, 3, 4, 8, 9, 99].map(backOffMs), [0, 0, 50, 100, 200, 3200, 5000, 5000]);
});

Deno.test("Queue gives what was put, in order, also after things were given back or taken out", () => {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0]!;
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
  const queue = new Queue<{ n: number }>();
  let model: { n: number }[] = [];
  for (let n = 0; n < 20_000; n++) {
    const item = { n };
    switch (random(6)) {
      case 0:
      case 1:
      case 2:
        model.push(item);
        queue.push(item);
        break;
      case 3:
        assertEquals(queue.shift(), model.shift(), `seed ${seed}`);
        break;
      case 4:
        model.unshift(item);
        queue.unshift(item);
        break;
      case 5: {
        const taken = model[random(model.length)];
        if (taken !== undefined) queue.remove(taken);
        model = model.filter((other) => other !== taken);
      }
    }
    assertEquals([queue.length, queue.first], [model.length, model[0]], `seed ${seed}`);
  }
});
