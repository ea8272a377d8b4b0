/** The programs of the load. `Deno.args` are which one, and how much of it. */

import { GiB, init, MiB, type Pid, Receiver, Sender, spawn, wait } from "deploy";

const [kind = "", ...numbers] = Deno.args;
const [count = 0, atOnce = 1] = numbers.map(Number);

/** Small enough for any number on the nodes of a test's cluster. */
const SMALL = { mem: MiB, cpu: 0 };

interface Item {
  readonly index: number;
}

/** Says that it is there, and ends when it is told to. */
async function stays(parent: Pid): Promise<void> {
  await new Sender<number>(parent).send(1);
  await new Receiver<number>(parent).recv();
}

/** Sends one value. */
async function answers(parent: Pid, index: number): Promise<void> {
  await new Sender<number>(parent).send(index);
}

/** Sends all values, one after the other. */
async function sends(parent: Pid): Promise<void> {
  await using sender = new Sender<Item>(parent);
  for (let index = 0; index < count; index++) await sender.send({ index });
}

/** So many processes that run at the same time, and each of which has answered. */
async function processes(): Promise<void> {
  const pids = await Promise.all(
    Array.from({ length: count }, () => spawn(stays, undefined, SMALL)),
  );
  await Promise.all(pids.map((pid) => new Receiver<number>(pid).recv()));
  console.log("all are there");
  await Promise.all(pids.map((pid) => new Sender<number>(pid).send(1)));
  await Promise.all(pids.map((pid) => wait(pid)));
}

/** So many processes, `atOnce` at a time. */
async function spawns(): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      const pid = await spawn(answers, index, SMALL);
      const value = await new Receiver<number>(pid).recv();
      const status = await wait(pid);
      if (value !== index || !("code" in status && status.code === 0)) {
        throw new Error(`process ${index} sent ${value} and ended as ${JSON.stringify(status)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

/** So many values from one process; says now and then how much memory this one uses. */
async function messages(): Promise<void> {
  const pid = await spawn(sends, undefined, SMALL);
  const every = Math.max(1, Math.floor(count / 20));
  let next = 0;
  for await (const { index } of new Receiver<Item>(pid)) {
    if (index !== next) throw new Error(`value ${index} came in the place of ${next}`);
    if (++next % every === 0) console.log(`${next} ${Deno.memoryUsage().rss}`);
  }
  if (next !== count) throw new Error(`only ${next} of ${count} values came`);
}

/** So many lines of 1,000 bytes, all at once. */
function output(): void {
  const lines = 64;
  const block = new TextEncoder().encode(("x".repeat(999) + "\n").repeat(lines));
  for (let written = 0; written < count; written += lines) {
    const rest = block.subarray(0, Math.min(lines, count - written) * 1_000);
    for (let at = 0; at < rest.length;) at += Deno.stdout.writeSync(rest.subarray(at));
  }
}

/** More than half of a node of the load `waiting`. */
const LARGE = { mem: 5 * GiB, cpu: 0 };

/** Sends back what it gets. */
async function echoes(parent: Pid): Promise<void> {
  const sender = new Sender<number>(parent);
  for await (const value of new Receiver<number>(parent)) await sender.send(value);
}

/** Has two nodes hold no more than one of these; says how long one takes at most from one value to the next. */
async function holds(): Promise<void> {
  const [pid] = [await spawn(echoes, undefined, LARGE), await spawn(echoes, undefined, LARGE)];
  const sender = new Sender<number>(pid!);
  const receiver = new Receiver<number>(pid!);
  console.log("all are there");
  for (let lastMs = performance.now(), most = 0, value = 0;; value++) {
    await sender.send(value);
    await receiver.recv();
    const nowMs = performance.now();
    if (nowMs - lastMs > most) console.log(`${Math.round(most = nowMs - lastMs)} ms`);
    lastMs = nowMs;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** So many spawns at once, for which there is no room. */
async function asks(): Promise<void> {
  console.log("asking");
  const asked = Array.from({ length: count }, () => spawn(stays, undefined, LARGE));
  console.log("asked");
  await Promise.race(asked);
}

await init({ functions: { stays, answers, sends, echoes }, resources: SMALL });
const programs: Readonly<Record<string, () => void | Promise<void>>> = {
  processes,
  spawns,
  messages,
  output,
  holds,
  asks,
  deployments: () => console.log("deployed"),
};
await programs[kind]!();
