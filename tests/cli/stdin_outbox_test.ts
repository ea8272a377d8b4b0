/** What is kept of stdin until it is taken: compared with one long array. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { StdinOutbox } from "../../src/cli/stdin_outbox.ts";
import { forSeeds } from "../channel/random.ts";

Deno.test("StdinOutbox keeps exactly what has not been taken, from any position on", async () => {
  await forSeeds(50, (random) => {
    const outbox = new StdinOutbox();
    const all: number[] = [];
    let taken = 0;
    for (let turn = 0; turn < 100; turn++) {
      if (random.chance(0.5)) {
        const bytes = Uint8Array.from(
          { length: random.integer(1, 9) },
          () => random.integer(0, 255),
        );
        outbox.push(bytes);
        all.push(...bytes);
      } else if (random.next() < 0.5) {
        const bytes = random.integer(0, all.length - taken);
        outbox.taken(bytes);
        taken += bytes;
      } else {
        // A position that was known before, or a later one.
        const position = random.integer(0, all.length);
        outbox.takenTo(position);
        taken = Math.max(taken, position);
      }
      assertEquals([outbox.bytes, outbox.end], [all.length - taken, all.length]);
      const from = random.integer(0, all.length);
      const kept = outbox.from(from).flatMap((bytes) => [...bytes]);
      assertEquals(kept, all.slice(Math.max(from, taken)));
    }
  });
});
