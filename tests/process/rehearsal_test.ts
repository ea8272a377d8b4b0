/** What a spare does once, so that it is not slow when it counts. */

// @ts-types="../../types/std_async.d.ts"
import { delay } from "@std/async/delay";
import { rehearseFar } from "../../src/process/far_rehearsal.ts";
import { resourceNames } from "../../src/process/wait_report.ts";
import { Protection } from "../../src/net/protocol.ts";

for (const [name, protection] of Object.entries(Protection)) {
  Deno.test(`a spare sends a value as between hosts, ${name}, and nothing of that remains`, async () => {
    const alive = setInterval(() => {}, 1_000); // as the link to its node keeps a spare alive
    const before = resourceNames().length;
    await rehearseFar(protection);
    // Both sides have ended; what says so to the other one may be on its way.
    while (resourceNames().length > before) await delay(1);
    clearInterval(alive);
  });
}
