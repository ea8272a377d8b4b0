/** Small calls on threads, by piscina: `node piscina.mjs <modules> <threads> <sizes>`. */

import { createRequire } from "node:module";
import { answerCalls, callArguments } from "./calls.mjs";

const { modules, workers, sizes } = callArguments();
const { Piscina } = createRequire(`${modules}/`)("piscina");

const pool = new Piscina({
  filename: new URL("./add.mjs", import.meta.url).href,
  minThreads: workers,
  maxThreads: workers,
});
await answerCalls((numbers) => pool.run(numbers), sizes);
await pool.destroy();
