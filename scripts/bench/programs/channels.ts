/** Values from one process to another over channels. */

import { init, type Pid, Receiver, Sender, spawn } from "deploy";
import {
  ARRAY_BYTES,
  arrayRate,
  ARRAYS,
  messageRate,
  MESSAGES,
  ROUND_TRIP_BYTES,
  ROUND_TRIPS,
} from "./sizes.ts";

interface Message {
  readonly i: number;
  readonly s: string;
}

async function echo(parent: Pid): Promise<void> {
  await using receiver = new Receiver<Uint8Array>(parent);
  await using sender = new Sender<Uint8Array>(parent);
  for await (const value of receiver) await sender.send(value);
}

/** Receives `count` values at a time, and acknowledges them. */
async function take(parent: Pid, count: number): Promise<void> {
  await using receiver = new Receiver<Message | Uint8Array>(parent);
  await using sender = new Sender<null>(parent);
  for (;;) {
    for (let taken = 0; taken < count; taken++) await receiver.recv();
    await sender.send(null);
  }
}

async function greet(parent: Pid): Promise<void> {
  await using sender = new Sender<null>(parent);
  await sender.send(null);
}

await init({ functions: { echo, take, greet } });

const { answer, median } = await import("./answer.ts");

/** A process with a channel there and one back. */
class Partner<There, Back> implements AsyncDisposable {
  readonly sender: Sender<There>;
  readonly receiver: Receiver<Back>;

  constructor(pid: Pid) {
    this.sender = new Sender<There>(pid);
    this.receiver = new Receiver<Back>(pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sender.close();
    await this.receiver.close();
  }
}

async function roundTrips(): Promise<() => Promise<number>> {
  const { sender, receiver } = new Partner<Uint8Array, Uint8Array>(await spawn(echo));
  const value = new Uint8Array(ROUND_TRIP_BYTES);
  return async () => {
    const times = new Float64Array(ROUND_TRIPS);
    for (let trip = 0; trip < ROUND_TRIPS; trip++) {
      const start = performance.now();
      await sender.send(value);
      const back = await receiver.recv();
      times[trip] = performance.now() - start;
      if (back.length !== ROUND_TRIP_BYTES) throw new Error("Something else came back");
    }
    return median(times) * 1e3;
  };
}

async function messages(): Promise<() => Promise<number>> {
  const { sender, receiver } = new Partner<Message, null>(await spawn(take, MESSAGES));
  return async () => {
    const start = performance.now();
    for (let i = 0; i < MESSAGES; i++) await sender.send({ i, s: "hello" });
    await receiver.recv();
    return messageRate(performance.now() - start);
  };
}

async function arrays(): Promise<() => Promise<number>> {
  const { sender, receiver } = new Partner<Uint8Array, null>(await spawn(take, ARRAYS));
  const value = new Uint8Array(ARRAY_BYTES).fill(7);
  return async () => {
    const start = performance.now();
    for (let sent = 0; sent < ARRAYS; sent++) await sender.send(value);
    await receiver.recv();
    return arrayRate(performance.now() - start);
  };
}

/** The first value on a channel of a process, once that has started. */
async function firsts(): Promise<() => Promise<number>> {
  const first = async () => {
    const pid = await spawn(greet);
    const start = performance.now();
    await using receiver = new Receiver<null>(pid);
    await receiver.recv();
    return performance.now() - start;
  };
  await first(); // finds no spare
  return first;
}

const KINDS = { roundTrips, messages, arrays, firsts };
const kind = Deno.args[0] as keyof typeof KINDS;
await answer({ [kind]: await KINDS[kind]() });
Deno.exit(); // the partner waits for more
