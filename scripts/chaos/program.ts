/**
 * The programs of the chaos: each prints what it was given, as lines of JSON that begin with `seen `, and
 * a line that begins with `wrong ` for what cannot be, whatever happens to the cluster.
 *
 * Its first argument is a `ProgramPlan`; the second one names the run in its processes' command lines.
 */

import {
  ChannelError,
  type ExitStatus,
  init,
  kill,
  MiB,
  type Pid,
  pid,
  Receiver,
  Sender,
  spawn,
  SpawnError,
  wait,
} from "deploy";
import { Pool, PoolError, task } from "deploy/pool";
import type { ProgramPlan } from "./plan.ts";
import type { Seen } from "./seen.ts";

/** A value of a stream. */
interface Item {
  index: number;
  data: Uint8Array<ArrayBuffer>;
}

type SeenStream = Extract<Seen, { what: "stream" }>;

const plan: ProgramPlan = JSON.parse(Deno.args[0]!);

function say(seen: Seen): void {
  console.log(`seen ${JSON.stringify(seen)}`);
}

function wrong(what: string): void {
  console.log(`wrong ${what}`);
}

/** Sends its values, and then ends in the way of the plan. */
async function source(parent: Pid): Promise<void> {
  const sender = new Sender<Item>(parent);
  for (let index = 0; index < plan.values; index++) {
    await sender.send({ index, data: new Uint8Array(plan.bytes).fill(index) });
    if (plan.pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, plan.pauseMs));
  }
  switch (plan.ending) {
    case "return":
      return;
    case "close":
      return await sender.close();
    case "exit":
      return Deno.exit(3);
    case "throw":
      throw new Error("thrown on purpose");
    case "killed":
      await new Promise((resolve) => setTimeout(resolve, 1e6));
  }
}

/** Passes on what it gets, plus 1, to the next member of the ring. */
async function member(parent: Pid): Promise<void> {
  const next = await new Receiver<Pid>(parent, "next").recv();
  const [before] = [await new Receiver<Pid>(parent, "before").recv()];
  const sender = new Sender<number>(next);
  for await (const value of new Receiver<number>(before)) await sender.send(value + 1);
}

/** The sum of a tree of processes, each of which sends 1 and what its children have sent. */
async function branch(parent: Pid, depth: number): Promise<void> {
  await new Sender<number>(parent).send(1 + await sumOf(depth));
}

async function sumOf(depth: number): Promise<number> {
  if (depth === 0) return 0;
  const children = await Promise.all([1, 2].map(() => spawn(branch, depth - 1, SMALL)));
  const sums = await Promise.all(children.map((child) => new Receiver<number>(child).recv()));
  return sums.reduce((sum, each) => sum + each, 0);
}

const square = task("square", async (value: number) => {
  await new Promise((resolve) => setTimeout(resolve, 5));
  return value * value;
});

const SMALL = { mem: 50 * MiB, cpu: 0.05 };

/** Whether a process or a node was lost while it was spawned. */
function isFault({ reason, message }: SpawnError): boolean {
  return reason === "lost" || reason === "not-started" && message.includes("SIGKILL");
}

/** What a peer's end looks like to who waits for it. */
function endOf(error: unknown): SeenStream["end"] {
  if (error instanceof ChannelError) return { kind: error.kind, status: error.status ?? null };
  throw error;
}

/** Reads a whole stream, and says how far it came, and how it and its sender ended. */
async function readStream(child: Pid): Promise<void> {
  const seen: SeenStream = { what: "stream", child, received: 0, end: null, status: null };
  try {
    for await (const { index, data } of new Receiver<Item>(child)) {
      if (index !== seen.received) {
        const kind = index < seen.received ? "doubled or reordered" : "lost";
        wrong(`${kind}: value ${index} of ${child}, after ${seen.received} values`);
      }
      if (data.length !== plan.bytes || data.some((byte) => byte !== index % 256)) {
        wrong(`changed: value ${index} of ${child}`);
      }
      seen.received = index + 1;
      if (plan.ending === "killed" && seen.received === plan.values) {
        await kill(child, { signal: "SIGTERM", graceMs: 500 });
      }
    }
  } catch (error) {
    seen.end = endOf(error);
  }
  seen.status = await wait(child);
  say(seen);
}

async function streams(): Promise<void> {
  const children = await Promise.all(
    Array.from({ length: plan.processes }, () => spawn(source, undefined, SMALL)),
  );
  await Promise.all(children.map(readStream));
}

async function ring(): Promise<void> {
  const members = await Promise.all(
    Array.from({ length: plan.processes }, () => spawn(member, undefined, SMALL)),
  );
  const all = [pid(), ...members, pid()];
  for (const [index, each] of members.entries()) {
    await new Sender<Pid>(each, "next").send(all[index + 2]!);
    await new Sender<Pid>(each, "before").send(all[index]!);
  }
  const sender = new Sender<number>(members[0]!);
  const receiver = new Receiver<number>(members.at(-1)!);
  for (let lap = 0; lap < plan.values; lap++) {
    await sender.send(lap);
    const value = await receiver.recv();
    if (value !== lap + members.length) wrong(`changed: ${value} came back as ${lap}`);
  }
  await sender.close();
  for (const each of members) say({ what: "member", child: each, status: await wait(each) });
}

async function tree(): Promise<void> {
  const sum = await sumOf(plan.depth);
  if (sum !== 2 ** (plan.depth + 1) - 2) wrong(`lost: a tree of ${sum} processes`);
}

async function churn(): Promise<void> {
  for (let index = 0; index < plan.processes; index++) {
    await readStream(await spawn(source, undefined, SMALL));
  }
}

async function pool(): Promise<void> {
  await using pool = await Pool.start({ size: plan.processes, retries: 5, ...SMALL });
  const numbers = Array.from({ length: plan.values }, (_, index) => index);
  let next = 0;
  for await (const value of pool.map(square, numbers)) {
    if (value !== next * next) wrong(`lost or reordered: ${value} as the square of ${next}`);
    next++;
  }
  if (next !== plan.values) wrong(`lost: ${next} of ${plan.values} results`);
}

await init({ functions: { source, member, branch } });
/** How the program itself goes on when another process, or a node, is lost. */
let lost: ExitStatus | string | undefined;
try {
  await { streams, ring, tree, churn, pool }[plan.kind]();
} catch (error) {
  if (error instanceof ChannelError) lost = error.status ?? error.kind;
  else if (error instanceof SpawnError && isFault(error)) lost = error.message;
  else if (error instanceof PoolError) lost = error.message;
  else throw error;
}
say({ what: "done", lost: lost ?? null });
