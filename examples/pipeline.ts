/**
 * A pipeline of Web Streams through three processes: an access log is made here, parsed in one
 * process, rid of addresses in the next, made CSV in the third, and read here again.
 *
 * A channel is a `WritableStream` at one end and a `ReadableStream` at the other, so a stage is one
 * `pipeThrough`. Backpressure goes through all of them: when the reader takes a break, the writer
 * stops after some megabytes, wherever they are, and goes on when the reader does.
 *
 *     deno task example pipeline
 *     deno task example pipeline 1000
 */

import { init, type Pid, pid, Receiver, Sender, spawn } from "deploy";
import { countArgument } from "./lib/arguments.ts";

interface Hit {
  address: string;
  path: string;
  bytes: number;
}

/** Between which two processes a stage stands. */
interface Neighbours {
  from: Pid;
  to: Pid;
}

async function parse(parent: Pid) {
  await stage<string[], Hit[]>(parent, (lines) =>
    lines.map((line) => {
      const [address = "", path = "", bytes = ""] = line.split(" ");
      return { address, path, bytes: Number(bytes) };
    }));
}

async function anonymise(parent: Pid) {
  await stage<Hit[], Hit[]>(
    parent,
    (hits) => hits.map((hit) => ({ ...hit, address: hit.address.replace(/\.\d+$/, ".0") })),
  );
}

async function toCsv(parent: Pid) {
  await stage<Hit[], string>(
    parent,
    (hits) => hits.map(({ address, path, bytes }) => `${address},${path},${bytes}\n`).join(""),
  );
}

/** Reads from one neighbour, and writes what `step` makes of it to the other, until the end. */
async function stage<In, Out>(parent: Pid, step: (value: In) => Out): Promise<void> {
  // The first stage's input comes from its parent too, on another channel.
  const { from, to } = await new Receiver<Neighbours>(parent, "introduction").recv();
  const input = new Receiver<In>(from);
  const output = new Sender<Out>(to);
  const transform = new TransformStream<In, Out>({
    transform: (value, controller) => controller.enqueue(step(value)),
  });
  await input.readable.pipeThrough(transform).pipeTo(output.writable);
}

await init({ functions: { parse, anonymise, toCsv } });

const batches = countArgument(0, "batches", 400);
const LINES = 1000; // in a batch: about 30 kB

const [parser, anonymiser, formatter] = await Promise.all([
  spawn(parse),
  spawn(anonymise),
  spawn(toCsv),
]);
await introduce(parser, { from: pid(), to: anonymiser });
await introduce(anonymiser, { from: parser, to: formatter });
await introduce(formatter, { from: anonymiser, to: pid() });

async function introduce(stage: Pid, neighbours: Neighbours): Promise<void> {
  await new Sender<Neighbours>(stage, "introduction").send(neighbours);
}

let written = 0;
const source = new ReadableStream<string[]>({
  pull(controller) {
    if (written === batches) return controller.close();
    controller.enqueue(Array.from({ length: LINES }, (_, line) => logLine(written * LINES + line)));
    written++;
  },
});

function logLine(number: number): string {
  return `192.0.2.${number % 256} /page/${number} ${number % 1000}`;
}

/** Resolves when the writer has not written for a while. */
async function writerStopped(): Promise<void> {
  for (let before = -1; before !== written;) {
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

const writing = source.pipeTo(new Sender<string[]>(parser).writable);

let rows = 0;
for await (const csv of new Receiver<string>(formatter).readable) {
  if (rows === 0) {
    await writerStopped();
    console.log(`The reader took a break: the writer stopped at batch ${written} of ${batches}`);
  }
  for (const row of csv.trimEnd().split("\n")) {
    const expected = `192.0.2.0,/page/${rows},${rows % 1000}`;
    if (row !== expected) throw new Error(`Row ${rows} is ${row}, and should be ${expected}`);
    rows++;
  }
}
await writing;
console.log(`${rows} rows arrived, in order`);
