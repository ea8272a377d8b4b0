/** Hosts that are cut off while a program runs on them, and parts of a cluster that are killed. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Deployed } from "../fabric/deployed.ts";
import { noneIsLeft, processesWith } from "../fabric/deployed.ts";
import type { JsonEvent } from "../system/helpers.ts";
import { type Host, networkTest } from "../system/netns.ts";
import { HostCluster } from "./host_cluster.ts";

type Exit = Extract<JsonEvent, { event: "exit" }>;

/**
 * The first process starts one for each of six places, two of which a node has, and then serves them. Each
 * waits for a word of every other one, which never comes, and says how that ends. Those whose number is
 * odd compute for ever instead, once all are connected.
 */
const PROGRAM = `
import { init, MiB, pid, Receiver, Sender, spawn, wait } from "deploy";
const count = Number(Deno.args[1]);
async function member(parent, number) {
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
}
async function deaf(parent) {
  const receiver = new Receiver(parent);
  await receiver.recv();
  const sender = new Sender(parent);
  await sender.send(undefined);
  await new Promise((resolve) => setTimeout(resolve, 50));
  for (;;);
}
await init({ functions: { member, deaf }, resources: { mem: 400 * MiB, cpu: 0 } });
const pids = [];
for (let i = 0; i < count; i++) {
  pids.push(await spawn(member, i, { mem: 400 * MiB, cpu: 0 }));
}
const senders = pids.map((each) => new Sender(each));
const receivers = pids.map((each) => new Receiver(each));
await Promise.all(senders.map((sender) => sender.send(pids)));
await Promise.all(receivers.map((receiver) => receiver.recv()));
const busy = [];
for (let i = 0; i < Number(Deno.args[2] ?? 0); i++) {
  const each = await spawn(deaf, undefined, { mem: 1 * MiB, cpu: 0 });
  const sender = new Sender(each);
  const receiver = new Receiver(each);
  await sender.send(undefined);
  await receiver.recv();
  busy.push(each);
}
console.log("all are connected");
for (const each of [...pids, ...busy]) {
  wait(each).then((status) => console.log("waited " + each + " " + JSON.stringify(status)));
}
`;

/** When a node is taken for lost, and by when that has been noticed everywhere, in ms after the cut. */
const LOST_MS = 10_000;
const NOTICED_MS = LOST_MS + 4_000;

function newMark(): string {
  return `mark-${crypto.randomUUID()}`;
}

function exits(program: Deployed): Exit[] {
  return program.events.filter((event): event is Exit => event.event === "exit");
}

/** Resolves when no process of the program is left on the host; throws if that takes longer. */
async function noneIsLeftOn(host: Host, mark: string, withinMs: number): Promise<void> {
  const endMs = performance.now() + withinMs;
  for (;;) {
    const here = new Set(await host.processes());
    const left = (await processesWith(mark)).filter((pid) => here.has(pid));
    if (left.length === 0) return;
    assert(performance.now() < endMs, `there are processes left on it: ${left.join(", ")}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

networkTest(
  "a node that is cut off is lost, with all on it, and is taken back; the others go on",
  async () => {
    await using cluster = await HostCluster.start();
    const mark = newMark();
    await using program = await cluster.deploy(PROGRAM, [mark, "5", "1"]);
    await program.says("all are connected");
    const pids = program.events.flatMap((event) => event.event === "spawn" ? [event.pid] : []);
    const [first, ...others] = pids;
    assert(first !== undefined);
    const victim = cluster.nodeHosts.find((host) => host !== cluster.hostOf(first))!;
    const lost = others.filter((pid) => cluster.hostOf(pid) === victim);
    const members = others.slice(0, 5);
    const survivors = members.filter((pid) => !lost.includes(pid));
    assert(lost.length > 0 && survivors.length > 0, `${lost.length} of ${others.length}`);

    const cutMs = performance.now();
    const from = cluster.master.err.length;
    await victim.cut();
    const why = `node ${victim.bind} did not answer for 10 s`;
    await program.until(() => exits(program).length >= lost.length);
    assert(performance.now() - cutMs > LOST_MS - 2_000, "too early");
    assert(performance.now() - cutMs < NOTICED_MS, "too late");
    assertEquals(new Set(exits(program).map(({ pid }) => pid)), new Set(lost));
    for (const { status } of exits(program)) assertEquals(status, { lost: why });
    // By the time that it is taken for lost, it has given up by itself.
    await noneIsLeftOn(victim, mark, 5_000);

    // Whoever waits for a process, or for a word of it, is told.
    for (const pid of lost) await program.says(`waited ${pid} ${JSON.stringify({ lost: why })}\n`);
    const lostMembers = members.filter((pid) => lost.includes(pid));
    const told = survivors.length * lostMembers.length;
    await program.until(() => program.text.split("recv lost ").length > told);
    for (const [, message] of program.text.matchAll(/recv lost (.*)/g)) {
      assertMatch(message!, new RegExp(`: the process was lost: lost: ${why}$`));
    }
    assertEquals(exits(program).length, lost.length, "others have ended, too");

    await victim.heal();
    await cluster.adopted(victim, from);
    // Only there is room for another first process of that size, and one more.
    await using again = await cluster.deploy(PROGRAM, [mark, "1", "1"]);
    await again.says("all are connected");
    for (const event of again.events) {
      if (event.event === "spawn") assertEquals(cluster.hostOf(event.pid), victim);
    }

    program.kill("SIGINT");
    assertEquals(await program.code, 130);
    again.kill("SIGTERM");
    assertEquals(await again.code, 143);
    assertEquals(exits(program).length, pids.length);
    await noneIsLeft(mark);
  },
);
