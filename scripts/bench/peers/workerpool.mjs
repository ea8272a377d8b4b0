/** Small calls on processes, by workerpool: `node workerpool.mjs <modules> <processes> <sizes>`. */

import { createRequire } from "node:module";
import { answerCalls, callArguments } from "./calls.mjs";

const { modules, workers, sizes } = callArguments();
const workerpool = createRequire(`${modules}/`)("workerpool");

const pool = workerpool.pool(new URL("./add_worker.mjs", import.meta.url).pathname, {
  workerType: "process",
  minWorkers: workers,
  maxWorkers: workers,
  forkArgs: [modules],
});
await answerCalls((numbers) => pool.exec("add", [numbers]), sizes);
await pool.terminate();
