/**
 * Another process with a store, for store_test.ts: opens the store at the first argument, makes a run's
 * folder and leaves a file half fetched there, takes the file with the manifest in the second argument,
 * which must exist, and prints `ready`. Then it waits to be killed.
 */

import type { Manifest } from "../../src/core/manifest.ts";
import { Store } from "../../src/store/store.ts";

const [folder = "", text = ""] = Deno.args;
const manifest = JSON.parse(text) as Manifest;
const store = await Store.open(folder);
await store.runFolder("other");
await store.ensure([manifest], () => Promise.reject(new Error("the file is not there")));
const half: Manifest = { size: 1, pieces: ["0".repeat(64)] };
await store.ensure([half], async () => {
  console.log("ready");
  await new Promise(() => setInterval(() => {}, 60_000));
});
