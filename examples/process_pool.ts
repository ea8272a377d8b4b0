/**
 * A pool of processes (`deploy/pool`): more calls than processes, calls that return a value, one that
 * throws, whose error arrives here as if the call had been local, and one that ends its process.
 *
 *     deno task example process_pool
 *     deno task example process_pool 8
 */

import { init } from "deploy";
import { Pool, PoolError, task } from "deploy/pool";
import { countArgument } from "./lib/arguments.ts";

interface Range {
  from: number;
  to: number;
}

const countPrimes = task("countPrimes", ({ from, to }: Range) => {
  if (from < 2) throw new RangeError(`Cannot count primes from ${from}: the first one is 2`);
  let count = 0;
  for (let n = from; n < to; n++) if (isPrime(n)) count++;
  return count;
});

function isPrime(n: number): boolean {
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false;
  return true;
}

const exit = task("exit", (code: number) => Deno.exit(code));

await init();

const size = countArgument(0, "processes", 3);
await using pool = await Pool.start({ size });

const ranges = [{ from: 2, to: 100_000 }];
for (let from = 100_000; from < 1_000_000; from += 100_000) {
  ranges.push({ from, to: from + 100_000 });
}
let total = 0;
for await (const count of pool.map(countPrimes, ranges)) total += count;
console.log(
  `${total} primes below a million, counted in ${ranges.length} calls by ${size} processes`,
);

try {
  await pool.run(countPrimes, { from: -5, to: 5 });
} catch (error) {
  console.log(`A task threw a ${error instanceof RangeError ? "RangeError" : typeof error}.`);
  console.log(String(error));
}

try {
  await pool.run(exit, 3);
} catch (error) {
  const status = error instanceof PoolError ? JSON.stringify(error.status) : error;
  console.log(`A task ended its process: ${status}`);
}
// Another process has taken its place.
const small = await pool.each(countPrimes, { from: 2, to: 100 });
console.log(`The pool goes on: ${small.length} processes find ${small[0]} primes below 100 each`);
