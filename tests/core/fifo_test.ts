// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { Fifo } from "../../src/core/fifo.ts";
import { forSeeds } from "../channel/random.ts";

Deno.test("Fifo behaves like an array under any operations", async () => {
  await forSeeds(50, (random) => {
    const fifo = new Fifo<{ id: number }>();
    const model: { id: number }[] = [];
    for (let step = 0; step < 2_000; step++) {
      // It repeatedly grows to hundreds of entries, and shrinks to none.
      const grows = Math.floor(step / 400) % 2 === 0;
      const item = { id: step };
      const action = random.next();
      if (action < (grows ? 0.7 : 0.2)) {
        fifo.push(item);
        model.push(item);
      } else if (action < 0.72) {
        fifo.unshift(item);
        model.unshift(item);
      } else if (action < 0.95) {
        assertStrictEquals(fifo.shift(), model.shift());
      } else if (action < 0.98) {
        const gone = model.length > 0 && random.chance(0.8) ? random.pick(model) : item;
        const index = model.indexOf(gone);
        assertEquals(fifo.remove(gone), index >= 0);
        if (index >= 0) model.splice(index, 1);
      } else if (action < 0.995) {
        const divisor = random.integer(2, 9);
        const taken = fifo.extract(({ id }) => id % divisor === 0);
        assertEquals(taken, model.filter(({ id }) => id % divisor === 0));
        model.splice(0, model.length, ...model.filter(({ id }) => id % divisor !== 0));
      } else {
        assertEquals(fifo.drain(), model.splice(0));
      }
      assertEquals(fifo.length, model.length);
      assertStrictEquals(fifo.first, model[0]);
      assertStrictEquals(fifo.last, model.at(-1));
    }
    assertEquals([...fifo], model);
  });
});

Deno.test("Fifo is emptied in linear time", () => {
  const time = (count: number): number => {
    const fifo = new Fifo<{ id: number }>();
    for (let id = 0; id < count; id++) fifo.push({ id });
    const startMs = performance.now();
    for (let id = 0; id < count; id++) assert(fifo.shift()!.id === id);
    return performance.now() - startMs;
  };
  time(10_000);
  // With an array, this takes most of a minute. Other programs may have the core, but not each time for so long.
  assert(Math.min(...Array.from({ length: 3 }, () => time(400_000))) < 5_000);
});
