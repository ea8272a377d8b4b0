/**
 * Processes that start processes: fib(n) is computed by one that starts one for fib(n - 1) and one
 * for fib(n - 2), and adds what they send back. fib(6) takes 25 processes, this one
 * among them.
 *
 *     deno task example fibonacci
 *     deno task example fibonacci 8
 */

import { init, type Pid, Receiver, Sender, spawn } from "deploy";
import { countArgument } from "./lib/arguments.ts";

async function fibonacci(parent: Pid, n: number) {
  await new Sender<number>(parent).send(await compute(n));
}

async function compute(n: number): Promise<number> {
  if (n < 2) return n;
  const [a, b] = await Promise.all([computeElsewhere(n - 1), computeElsewhere(n - 2)]);
  return a + b;
}

async function computeElsewhere(n: number): Promise<number> {
  await using result = new Receiver<number>(await spawn(fibonacci, n));
  return await result.recv();
}

await init({ functions: { fibonacci } });

const n = countArgument(0, "n", 6);
console.log(`fib(${n}) = ${await compute(n)}`);
