/** What workerpool's processes run: `node add_worker.mjs <modules>`. */

import { createRequire } from "node:module";
import process from "node:process";

const workerpool = createRequire(`${process.argv[2]}/`)("workerpool");
workerpool.worker({ add: ({ a, b }) => a + b });
