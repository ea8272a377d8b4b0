// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { startTimer } from "../../src/core/timer.ts";
import { startKeptTimer } from "../../src/net/delay.ts";

for (const [name, start] of Object.entries({ startTimer, startKeptTimer })) {
  Deno.test(`${name}() keeps this process alive until it calls, unless it was cancelled`, async () => {
    const called: string[] = [];
    const cancel = start(1, () => called.push("cancelled"));
    cancel();
    // Nothing else keeps this process alive.
    await new Promise<void>((resolve) => start(20, resolve));
    assertEquals(called, []);
  });
}
