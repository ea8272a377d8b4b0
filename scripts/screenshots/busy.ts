/** A program that is busy for as long as one looks: reviews are read, rated by several processes, and counted. */

import { Acceptor, init, type Pid, Receiver, Sender, spawn } from "deploy";

interface Review {
  readonly number: number;
  readonly text: Uint8Array<ArrayBuffer>;
}

interface Rated {
  readonly number: number;
  readonly stars: number;
}

/** How long each rater takes for a review, in ms: the second one holds up the others. */
const RATERS = [3, 45, 8, 14, 5, 10];

function work(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Starts the raters, and sends them reviews in turn. */
async function reader(_parent: Pid, count: Pid): Promise<void> {
  const raters: Pid[] = [];
  for (const [at, ms] of RATERS.entries()) {
    const name = `rater-${at + 1}`;
    raters.push(await spawn(rater, { to: count, ms }, { name }));
  }
  const senders = raters.map((each) => new Sender<Review>(each, "reviews"));
  for (let number = 1;; number++) {
    const text = crypto.getRandomValues(new Uint8Array(8_000 + (number % 7) * 4_000));
    const sender = senders[number % senders.length]!;
    if (!sender.trySend({ number, text })) await pause(2);
    if (number % 200 === 0) console.log(`read \x1b[1m${number}\x1b[22m reviews`);
    if (number % 3 === 0) await pause(6);
  }
}

async function rater(from: Pid, { to, ms }: { to: Pid; ms: number }): Promise<void> {
  const sender = new Sender<Rated>(to, "stars");
  let rated = 0;
  for await (const { number, text } of new Receiver<Review>(from, "reviews")) {
    work(ms);
    const stars = text[0]! % 5 + 1;
    await sender.send({ number, stars });
    rated++;
    const shown = `\x1b[33m${"★".repeat(stars)}\x1b[39m`;
    if (rated % 25 === 0) console.log(`\x1b[32m✓\x1b[39m ${rated} rated, the last ${shown}`);
    if (rated % 90 === 0) console.error(`\x1b[31mskipped\x1b[39m review ${number}: it has no text`);
  }
}

/** Counts stars, of whoever sends some, and keeps more and more of them. */
async function count(): Promise<void> {
  const kept: Uint8Array[] = [];
  const counts = [0, 0, 0, 0, 0, 0];
  const take = async (ratings: AsyncIterable<Rated>) => {
    for await (const { stars } of ratings) {
      counts[stars]!++;
      if (counts[stars]! % 20 === 0) kept.push(new Uint8Array(1_000_000).fill(1));
      if (kept.length > 60) kept.length = 20;
    }
  };
  for await (const receiver of new Acceptor<Rated>("stars")) void take(receiver);
}

/** It has nothing to look at, and fails. */
async function check(): Promise<void> {
  await pause(1_500);
  console.error("\x1b[31merror\x1b[39m: the index is not there yet");
  Deno.exit(1);
}

await init({ functions: { reader, rater, count, check } });
const counting = await spawn(count);
await spawn(reader, counting);
for (;;) {
  await spawn(check, undefined, { name: "check" });
  await pause(7_000);
}
