/** Small calls on processes, by `deploy/pool`: the number of processes is the argument. */

import { init } from "deploy";
import { Pool, task } from "deploy/pool";
import { CALLS } from "./sizes.ts";

interface Numbers {
  readonly a: number;
  readonly b: number;
}

const add = task("add", ({ a, b }: Numbers) => a + b);

await init();

// Not loaded by the pool's processes.
const { answer } = await import("./answer.ts");

await using pool = await Pool.start({ size: Number(Deno.args[0]) });

/** Makes `count` calls in so many lanes; gives how many thousands there are a second. */
async function measure(count: number, lanes: number): Promise<number> {
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const a = next++;
      if (await pool.run(add, { a, b: 1 }) !== a + 1) {
        throw new Error("A call gave another result");
      }
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: lanes }, lane));
  return count / (performance.now() - start);
}

await answer({
  one: () => measure(CALLS.one, 1),
  many: () => measure(CALLS.many, CALLS.underWay),
});
