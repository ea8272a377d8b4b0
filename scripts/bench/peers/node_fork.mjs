/** The equivalent of `programs/channels.ts` with Node's `child_process.fork`: `node node_fork.mjs <kind> <count>`. */

import { fork } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";

const [kind, countText, role] = process.argv.slice(2);
const count = Number(countText);

/** The number of messages sent before waiting for the last of them. */
const BATCH = 1_000;

if (role === "child") {
  let taken = 0;
  process.on("message", (message) => {
    if (kind === "roundTrips") process.send(message);
    else if (++taken === count) {
      taken = 0;
      process.send("all");
    }
  });
  process.on("disconnect", () => process.exit());
} else {
  const child = fork(import.meta.filename, [kind, countText, "child"]);
  let arrived = () => {};
  child.on("message", () => arrived());
  const next = () => new Promise((resolve) => arrived = resolve);

  const roundTrips = async () => {
    const times = new Float64Array(count);
    for (let trip = 0; trip < count; trip++) {
      const start = performance.now();
      const back = next();
      child.send("0123456789abcdef");
      await back;
      times[trip] = performance.now() - start;
    }
    return times.sort()[count >> 1] * 1e3;
  };
  const messages = async () => {
    const start = performance.now();
    const all = next();
    for (let i = 1; i <= count; i++) {
      const message = { i, s: "hello" };
      if (i % BATCH !== 0) child.send(message);
      else await new Promise((resolve) => child.send(message, resolve));
    }
    await all;
    return count / (performance.now() - start);
  };

  for await (const _ of createInterface({ input: process.stdin })) {
    console.log(await (kind === "roundTrips" ? roundTrips() : messages()));
  }
  child.disconnect();
}
