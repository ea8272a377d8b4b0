/**
 * The equivalent of `programs/channels.ts` and `spawn.ts` with Node's `child_process.fork`:
 * `node node_fork.mjs <kind> <count>`.
 */

import { fork } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";

const [kind, countText, role] = process.argv.slice(2);
const count = Number(countText);

/** The number of messages sent before waiting for the last of them. */
const BATCH = 1_000;
const ARRAY_BYTES = 1024 * 1024;

/** The child: with this serialization, arrays are not written as JSON. */
const start = () => {
  const serialization = kind === "arrays" ? "advanced" : "json";
  return fork(import.meta.filename, [kind, countText, "child"], { serialization });
};

const child = {
  roundTrips: (message) => process.send(message),
  messages: takeAll(),
  arrays: takeAll(),
};

function takeAll() {
  let taken = 0;
  return () => {
    if (++taken < count) return;
    taken = 0;
    process.send("all");
  };
}

/** Sends values, waiting for every so many of them, until the child has all. */
async function sendAll(partner, batch, value) {
  const begun = performance.now();
  const all = once(partner, "message");
  for (let i = 1; i <= count; i++) {
    if (i % batch !== 0) partner.send(value(i));
    else await new Promise((resolve) => partner.send(value(i), resolve));
  }
  await all;
  return performance.now() - begun;
}

const parent = {
  /** The median, in µs. */
  async roundTrips(partner) {
    const times = new Float64Array(count);
    let arrived = () => {};
    const listener = () => arrived();
    partner.on("message", listener);
    for (let trip = 0; trip < count; trip++) {
      const begun = performance.now();
      const back = new Promise((resolve) => arrived = resolve);
      partner.send("0123456789abcdef");
      await back;
      times[trip] = performance.now() - begun;
    }
    partner.off("message", listener);
    return times.sort()[count >> 1] * 1e3;
  },
  /** Thousands a second. */
  async messages(partner) {
    return count / await sendAll(partner, BATCH, (i) => ({ i, s: "hello" }));
  },
  /** MB a second. */
  async arrays(partner) {
    const value = new Uint8Array(ARRAY_BYTES).fill(7);
    return count * ARRAY_BYTES / 1e3 / await sendAll(partner, 1, () => value);
  },
  /** From the start of a process to its first message, in ms. */
  async firstAnswer() {
    const begun = performance.now();
    const started = start();
    await once(started, "message");
    const ms = performance.now() - begun;
    started.disconnect();
    await once(started, "exit");
    return ms;
  },
};

if (role === "child") {
  if (kind === "firstAnswer") process.send("0123456789abcdef");
  process.on("message", child[kind] ?? (() => {}));
  process.on("disconnect", () => process.exit());
} else {
  const partner = kind === "firstAnswer" ? undefined : start();
  for await (const _ of createInterface({ input: process.stdin })) {
    console.log(await parent[kind](partner));
  }
  partner?.disconnect();
}
