/** The programs of the load. `Deno.args` are which one, and how much of it. */

import { init, MiB, type Pid, Receiver, Sender, spawn, wait } from "deploy";

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

await init({ functions: { stays, answers, sends }, resources: SMALL });
const programs: Readonly<Record<string, () => void | Promise<void>>> = {
  processes,
  spawns,
  messages,
  output,
  deployments: () => console.log("deployed"),
};
await programs[kind]!();
