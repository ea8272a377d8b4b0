/**
 * A pool of processes made as a library (lib/process_pool.ts): more jobs than processes, jobs that
 * return a value, jobs that throw, whose error arrives here as if the call had been local, and one that
 * ends its process.
 *
 *     deno task example process_pool
 *     deno task example process_pool 8
 */

import { ChannelError, init } from "deploy";
import { countArgument } from "./lib/arguments.ts";
import { job, ProcessPool } from "./lib/process_pool.ts";

interface Range {
  from: number;
  to: number;
}

const countPrimes = job("countPrimes", ({ from, to }: Range) => {
  if (from < 2) throw new RangeError(`Cannot count primes from ${from}: the first one is 2`);
  let count = 0;
  for (let n = from; n < to; n++) if (isPrime(n)) count++;
  return count;
});

function isPrime(n: number): boolean {
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false;
  return true;
}

const exit = job("exit", (code: number) => Deno.exit(code));

await init();

const size = countArgument(0, "processes", 3);
await using pool = await ProcessPool.start(size);

const ranges = [{ from: 2, to: 100_000 }];
for (let from = 100_000; from < 1_000_000; from += 100_000) {
  ranges.push({ from, to: from + 100_000 });
}
const counts = await Promise.all(ranges.map((range) => pool.run(countPrimes, range)));
const total = counts.reduce((a, b) => a + b);
console.log(
  `${total} primes below a million, counted in ${ranges.length} jobs by ${size} processes`,
);

try {
  await pool.run(countPrimes, { from: -5, to: 5 });
} catch (error) {
  console.log(`A job threw a ${error instanceof RangeError ? "RangeError" : typeof error}.`);
  console.log(String(error));
}

try {
  await pool.run(exit, 3);
} catch (error) {
  console.log(`A job ended its process: ${error instanceof ChannelError ? error.kind : error}`);
}
console.log(
  `The pool goes on: ${await pool.run(countPrimes, { from: 2, to: 100 })} primes below 100`,
);
