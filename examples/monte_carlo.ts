/**
 * π by chance: processes draw points in a square, and count those in the circle. Each tells on a second
 * channel how far it is, so that the first process can show the progress of all of them together.
 *
 * Each process draws its own sequence of random numbers, from a seed: the result is the same each time.
 *
 *     deno task example monte_carlo
 *     deno task example monte_carlo 8 100000000
 */

import { init, type Pid, Receiver, Sender, spawn } from "deploy";
import { countArgument } from "./lib/arguments.ts";

interface Part {
  seed: number;
  points: number;
}

/** How many points are drawn before the next word on the progress. */
const BATCH = 100_000;

async function draw(parent: Pid, { seed, points }: Part) {
  const progress = new Sender<number>(parent, "progress");
  const random = randomNumbers(seed);
  let inside = 0;
  for (let left = points; left > 0;) {
    const batch = Math.min(BATCH, left);
    for (let n = 0; n < batch; n++) if (random() ** 2 + random() ** 2 < 1) inside++;
    left -= batch;
    await progress.send(batch);
  }
  await new Sender<number>(parent).send(inside);
}

/** Numbers from 0 to 1, of which each seed gives others: Mulberry32, which is public domain. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

await init({ functions: { draw } });

const processes = countArgument(0, "processes", 4);
const points = countArgument(1, "points", 8_000_000);

const pids = await Promise.all(Array.from({ length: processes }, (_, index) => {
  const from = Math.floor(points * index / processes);
  const to = Math.floor(points * (index + 1) / processes);
  return spawn(draw, { seed: index + 1, points: to - from });
}));

let [drawn, shown] = [0, 0];
/** Shows each tenth of the way, when all processes together have come so far. */
async function follow(pid: Pid): Promise<void> {
  // The loop ends when the process has ended.
  for await (const batch of new Receiver<number>(pid, "progress")) {
    drawn += batch;
    for (; shown < 10 && drawn >= points * (shown + 1) / 10; shown++) {
      console.log(`${(shown + 1) * 10} %`);
    }
  }
}

async function count(pid: Pid): Promise<number> {
  await using receiver = new Receiver<number>(pid);
  return await receiver.recv();
}

const [counts] = await Promise.all([Promise.all(pids.map(count)), Promise.all(pids.map(follow))]);
const inside = counts.reduce((a, b) => a + b, 0);
console.log(`π is about ${4 * inside / points}, by ${points} points, ${inside} of them inside`);
