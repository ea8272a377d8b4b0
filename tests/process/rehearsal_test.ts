/** What a spare does once, so that it is not slow when it counts. */

import { rehearseFar } from "../../src/process/rehearsal.ts";
import { Protection } from "../../src/net/handshake.ts";

for (const [name, protection] of Object.entries(Protection)) {
  Deno.test(`a spare sends a value as between hosts, ${name}, and nothing of that remains`, async () => {
    const alive = setInterval(() => {}, 1_000); // as the link to its node keeps a spare alive
    await rehearseFar(protection);
    clearInterval(alive);
  });
}
