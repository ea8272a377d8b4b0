/** Programs that run while something happens to their hosts. Their first argument is a mark that identifies their processes. */

/**
 * `Deno.args[1]` members, and `Deno.args[2]` processes that are blocked forever, each with a child process of
 * its own. All members are connected to each other. Each waits for a value from every other one, which
 * never comes, and prints how that ends. The first process prints how each of the others ends. It is so
 * large that only the master's own node has room for it, and for one member.
 */
export const MEMBERS = `
import { init, MiB, pid, Receiver, Sender, spawn, wait } from "deploy";
const [mark, members, blocked] = Deno.args;
function startSomething() {
  const args = ["-c", "sleep 1000; true", mark];
  new Deno.Command("sh", { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
}
async function member(parent) {
  startSomething();
  await using receiver = new Receiver(parent);
  const all = await receiver.recv();
  const others = all.filter((each) => each !== pid());
  const senders = others.map((each) => new Sender(each));
  const receivers = others.map((each) => new Receiver(each));
  await Promise.all(senders.map((sender) => sender.send("hello")));
  for (const receiver of receivers) await receiver.recv();
  await using ready = new Sender(parent);
  await ready.send(undefined);
  await Promise.all(receivers.map(async (receiver) => {
    const error = await receiver.recv().catch((error) => error);
    console.log("recv " + error.kind + " " + error.message);
  }));
  await new Promise((resolve) => setTimeout(resolve, 1e6));
}
async function block(parent) {
  startSomething();
  const sender = new Sender(parent);
  await sender.send(undefined);
  await sender.close();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
await init({ functions: { member, block }, resources: { mem: 1500 * MiB, cpu: 0 } });
const pids = [];
for (let i = 0; i < Number(members); i++) {
  pids.push(await spawn(member, undefined, { mem: 400 * MiB, cpu: 0 }));
}
const senders = pids.map((each) => new Sender(each));
const receivers = pids.map((each) => new Receiver(each));
await Promise.all(senders.map((sender) => sender.send(pids)));
await Promise.all(receivers.map((receiver) => receiver.recv()));
for (let i = 0; i < Number(blocked); i++) {
  const each = await spawn(block, undefined, { mem: 1 * MiB, cpu: 0 });
  await using receiver = new Receiver(each);
  await receiver.recv();
  pids.push(each);
}
console.log("all are there");
for (const each of pids) {
  wait(each).then((status) => console.log("waited " + each + " " + JSON.stringify(status)));
}
`;

/** A source sends a number every tenth of a second to a sink on another node, which prints it. */
export const STREAM = `
import { init, MiB, Receiver, Sender, spawn, wait } from "deploy";
const count = Number(Deno.args[1]);
async function sink(parent) {
  await using receiver = new Receiver(parent);
  await using values = new Receiver(await receiver.recv());
  for await (const value of values) console.log("value " + value);
  console.log("end");
}
async function source(_parent, sink) {
  await using sender = new Sender(sink);
  for (let value = 0; value < count; value++) {
    await sender.send(value);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
await init({ functions: { sink, source }, resources: { mem: 1500 * MiB, cpu: 0 } });
const to = await spawn(sink, undefined, { mem: 800 * MiB, cpu: 0 });
const from = await spawn(source, to, { mem: 800 * MiB, cpu: 0 });
{
  await using sender = new Sender(to);
  await sender.send(from);
}
for (const each of [from, to]) console.log(JSON.stringify(await wait(each)));
`;

/**
 * Starts a process for which only a node other than the master's has room, again whenever it has ended. It
 * leaves so many files in the run's folder that removing them takes a while.
 */
export const RESPAWN = `
import { init, MiB, spawn, wait } from "deploy";
async function stay() {
  for (let i = 0; i < 3_000; i++) Deno.writeTextFileSync("left-" + i, "");
  console.log("wrote");
  await new Promise((resolve) => setTimeout(resolve, 1e6));
}
await init({ functions: { stay }, resources: { mem: 1500 * MiB, cpu: 0 } });
for (let turn = 0; turn < Number(Deno.args[1]); turn++) {
  const each = await spawn(stay, undefined, { mem: 900 * MiB, cpu: 0 });
  console.log("ended " + JSON.stringify(await wait(each)));
}
`;

/**
 * A process on each node, of which one sends to the other what the first process gives it, which gets it from
 * there: many small values, and large ones. One ends by itself, and the other one is told to.
 */
export const FAR = `
import { init, kill, MiB, Receiver, Sender, spawn, wait } from "deploy";
async function first(parent) {
  const second = await new Receiver(parent, "second").recv();
  const [values, sender] = [new Receiver(parent), new Sender(second)];
  for await (const value of values) await sender.send(value);
  await sender.close();
}
async function second(parent, first) {
  await new Sender(parent, "ready").send(true);
  const sender = new Sender(parent);
  for await (const value of new Receiver(first)) await sender.send(value);
  await sender.close();
  await new Promise((resolve) => setTimeout(resolve, 1e6));
}
await init({ functions: { first, second }, resources: { mem: 1500 * MiB, cpu: 0 } });
const one = await spawn(first, undefined, { mem: 800 * MiB, cpu: 0 });
const two = await spawn(second, one, { mem: 800 * MiB, cpu: 0 });
await new Sender(one, "second").send(two);
await new Receiver(two, "ready").recv();
const [sender, receiver] = [new Sender(one), new Receiver(two)];
const small = Array.from({ length: 30 }, (_, index) => ({ index }));
const large = Array.from({ length: 2 }, (_, index) => new Uint8Array(500_000).fill(index));
const sent = (async () => {
  for (const value of [...small, ...large]) await sender.send(value);
  await sender.close();
})();
let [next, bytes] = [0, 0];
for (const each of small) {
  if ((await receiver.recv()).index !== next++) throw new Error("not value " + (next - 1));
}
console.log(next + " values there and back");
for (const each of large) {
  const value = await receiver.recv();
  if (value.some((byte, at) => byte !== each[at])) throw new Error("changed");
  bytes += value.length;
}
console.log(bytes + " bytes there and back");
for await (const value of receiver) throw new Error("too many values");
console.log("closed");
await sent;
await wait(one);
await kill(two, { signal: "SIGTERM" });
console.log(JSON.stringify(await wait(two)));
`;
