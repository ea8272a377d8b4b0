/**
 * N processes, N (N - 1) messages: each process sends one to each of the others, and checks that what it
 * gets came from whom it should, and was meant for it.
 *
 *     deno task example all_to_all
 *     deno task example all_to_all 20
 */

import { init, type Pid, pid, Receiver, Sender, spawn } from "deploy";
import { countArgument } from "./lib/arguments.ts";

interface Message {
  from: Pid;
  to: Pid;
}

async function member(parent: Pid) {
  // Nobody knows all Pids before all processes have started, so they come over a channel.
  await using introductions = new Receiver<Pid[]>(parent);
  const others = (await introductions.recv()).filter((other) => other !== pid());

  const [, checked] = await Promise.all([
    Promise.all(others.map(tell)),
    Promise.all(others.map(hear)),
  ]);

  await new Sender<number>(parent).send(checked.length);
}

async function tell(other: Pid): Promise<void> {
  await new Sender<Message>(other).send({ from: pid(), to: other });
}

async function hear(other: Pid): Promise<void> {
  await using receiver = new Receiver<Message>(other);
  const { from, to } = await receiver.recv();
  if (from !== other || to !== pid()) throw new Error(`Got ${from} → ${to} from ${other}`);
}

await init({ functions: { member } });

const size = countArgument(0, "processes", 6);
const members = await Promise.all(Array.from({ length: size }, () => spawn(member)));

for (const each of members) {
  await new Sender<Pid[]>(each).send(members);
}

let messages = 0;
for (const each of members) {
  await using result = new Receiver<number>(each);
  messages += await result.recv();
}
console.log(`${size} processes, ${messages} messages, each as it should be`);
