/** A spawned process that does nothing. It prints its OS process id. */

import { init, spawn, wait } from "deploy";

async function idle(): Promise<void> {
  console.log(Deno.pid);
  await new Promise(() => {});
}

await init({ functions: { idle } });
await wait(await spawn(idle));
