/** Many processes, each with a channel to every other one. */

import { init, type Pid, pid, Receiver, Sender, spawn } from "deploy";

const MEMBERS = 32;
/** How many messages go over each channel at a time. */
const MESSAGES = 100;

type Order = "open" | "send" | "close";

/** Receives the list of members, and then obeys one order after another. */
async function member(parent: Pid): Promise<void> {
  await using orders = new Receiver<Pid[] | Order>(parent);
  await using done = new Sender<null>(parent);
  let others: Pid[] = [];
  let senders: Sender<number>[] = [];
  let receivers: Receiver<number>[] = [];
  const exchange = async (count: number) => {
    const sent = senders.map(async (sender) => {
      for (let index = 0; index < count; index++) await sender.send(index);
    });
    const taken = receivers.map(async (receiver) => {
      for (let index = 0; index < count; index++) await receiver.recv();
    });
    await Promise.all([...sent, ...taken]);
  };
  for await (const order of orders) {
    if (order === "open") {
      senders = others.map((other) => new Sender(other));
      receivers = others.map((other) => new Receiver(other));
      await exchange(1);
    } else if (order === "send") {
      await exchange(MESSAGES);
    } else if (order === "close") {
      await Promise.all([...senders, ...receivers].map((end) => end.close()));
    } else {
      others = order.filter((each) => each !== pid());
    }
    await done.send(null);
  }
}

await init({ functions: { member } });
const { answer } = await import("./answer.ts");

const members = await Promise.all(Array.from({ length: MEMBERS }, () => spawn(member)));
const orders = members.map((each) => new Sender<Pid[] | Order>(each));
const done = members.map((each) => new Receiver<null>(each));

async function tellAll(order: Pid[] | Order): Promise<void> {
  await Promise.all(orders.map((sender) => sender.send(order)));
  await Promise.all(done.map((receiver) => receiver.recv()));
}

await tellAll(members);
const channels = MEMBERS * (MEMBERS - 1);
await answer({
  /** Opens the channels; gives how many. */
  async open(): Promise<number> {
    await tellAll("open");
    return channels;
  },
  /** Sends over each channel, all at once; gives how many messages. */
  async send(): Promise<number> {
    await tellAll("send");
    return channels * MESSAGES;
  },
  async close(): Promise<number> {
    await tellAll("close");
    return channels;
  },
});
await Promise.all(orders.map((sender) => sender.close()));
