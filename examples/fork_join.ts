/**
 * Fork and join: each of N processes hashes random strings for some seconds and keeps the one with the
 * lowest SHA-1; then the lowest of all is printed. More processes find a lower one in the same time.
 *
 *     deno task example fork_join
 *     deno task example fork_join 8 10
 */

import { init, type Pid, Receiver, Sender, spawn } from "deploy";
import { countArgument } from "./lib/arguments.ts";

interface Hashed {
  text: string;
  sha1: string;
}

async function search(parent: Pid, seconds: number) {
  const end = performance.now() + seconds * 1000;
  let lowest = await hash(crypto.randomUUID());
  while (performance.now() < end) {
    const next = await hash(crypto.randomUUID());
    if (next.sha1 < lowest.sha1) lowest = next;
  }
  console.log(`${lowest.sha1} ${lowest.text}`);
  await new Sender<Hashed>(parent).send(lowest);
}

async function hash(text: string): Promise<Hashed> {
  const digest = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(text));
  const sha1 = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0"));
  return { text, sha1: sha1.join("") };
}

await init({ functions: { search } });

const processes = countArgument(0, "processes", 4);
const seconds = countArgument(1, "seconds", 3);

// Fork: start them all, so that they search at the same time.
const pids = await Promise.all(Array.from({ length: processes }, () => spawn(search, seconds)));

// Join: what each has found, in the order of their start.
const found: Hashed[] = [];
for (const pid of pids) {
  await using receiver = new Receiver<Hashed>(pid);
  found.push(await receiver.recv());
}

const lowest = found.reduce((a, b) => a.sha1 < b.sha1 ? a : b);
console.log(`lowest: ${lowest.sha1} ${lowest.text}`);
