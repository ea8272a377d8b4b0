/** A pool that wants more processes than there is room for, for as long as another process holds it. */

import { init, kill, type Pid, spawn } from "deploy";
import { Pool, task } from "deploy/pool";

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const work = task("work", () => sleep(20));

async function hog(_parent: Pid) {
  await sleep(1e6);
}

await init({ functions: { hog } });

// Of the one core there is, the first process has 1/16: two of these fit beside it.
const cpu = 0.4;
const hogging = await spawn(hog, undefined, { cpu });
await using pool = await Pool.start({ size: { min: 1, max: 4 }, cpu });

let done = 0;
for await (const _ of pool.map(work, Array(1e6))) {
  if (++done === 20) {
    console.log(`${pool.size} process beside the hog`);
    await kill(hogging);
  }
  if (pool.size > 1) break;
}
console.log(`${pool.size} processes`);
