/** The program of the soak: trees of 21 processes, several at a time, until there were `Deno.args[0]` processes. */

import { init, type Pid, Receiver, Sender, spawn, wait } from "deploy";

/** How many trees grow at the same time. */
const AT_ONCE = 4;

/** How many children a process has that is no leaf: 1 + 4 + 16 processes are a tree. */
const WIDTH = 4;
const DEPTH = 2;

async function grow(parent: Pid, depth: number): Promise<void> {
  await using sender = new Sender<number>(parent);
  await sender.send(depth === 0 ? 1 : 1 + await childrenOf(depth));
}

/** Spawns children one after the other; gives the number of processes below this one. */
async function childrenOf(depth: number): Promise<number> {
  let count = 0;
  for (let index = 0; index < WIDTH; index++) count += await branch(depth - 1);
  return count;
}

async function branch(depth: number): Promise<number> {
  const pid = await spawn(grow, depth);
  await using receiver = new Receiver<number>(pid);
  const count = await receiver.recv();
  await wait(pid);
  return count;
}

await init({ functions: { grow } });
const total = Number(Deno.args[0]);
let count = 0;
async function growTrees(): Promise<void> {
  while (count < total) {
    const grown = await branch(DEPTH); // not within `count +=`, which reads before it waits
    count += grown;
  }
}
await Promise.all(Array.from({ length: AT_ONCE }, growTrees));
console.log(count);
