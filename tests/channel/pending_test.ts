/** What a process reports that it waits for. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { select } from "../../src/channel/select.ts";
import { FIRST_WINDOW_BYTES, WINDOW_BYTES } from "../../src/wire/frame.ts";
import { fill, test, TestRun, turns } from "./pair.ts";

const KIB = new Uint8Array(1024 - 64);

test("Hub.pending() lists every waiting operation, while it waits", async () => {
  using run = new TestRun();
  const [one, two] = [run.process(), run.process()];
  const pending = () =>
    Array.from(one.hub.pending(), (wait) => [
      "select" in wait && wait.select ? `select ${wait.kind}` : wait.kind,
      "remote" in wait ? wait.remote : undefined,
      "name" in wait ? wait.name : undefined,
    ]);
  assertEquals(pending(), []);
  const receiver = one.receiver<number>(two, "numbers");
  const sender = one.sender<Uint8Array>(two, "bytes");
  const acceptor = one.acceptor<number>("clients");
  assertEquals(pending(), [], "open ends wait for nothing");

  const recv = receiver.recv();
  assertEquals(pending(), [["recv", two.pid, "numbers"]]);
  const from = two.sender<number>(one, "numbers");
  await from.send(1);
  await recv;
  assertEquals(pending(), []);

  await fill(sender, KIB, FIRST_WINDOW_BYTES);
  const send = sender.send(KIB);
  const [operation] = one.hub.pending();
  assert(operation?.kind === "send");
  assertEquals([operation.remote, operation.name], [two.pid, "bytes"]);
  assert(operation.unreadBytes > 60_000 && operation.unreadBytes < FIRST_WINDOW_BYTES + KIB.length);
  const controller = new AbortController();
  const choice = select(
    [receiver.selectableRecv(), sender.selectableSend(() => KIB), acceptor.selectableAccept()],
    { signal: controller.signal },
  ).catch(() => {});
  const accept = acceptor.accept();
  assertEquals(pending(), [
    ["select recv", two.pid, "numbers"],
    ["send", two.pid, "bytes"],
    ["select send", two.pid, "bytes"],
    ["select accept", undefined, "clients"],
    ["accept", undefined, "clients"],
  ]);
  controller.abort();
  await choice;
  two.sender(one, "clients");
  await accept;
  assertEquals(pending(), [["send", two.pid, "bytes"]]);

  const taking = two.receiver<Uint8Array>(one, "bytes");
  for (let count = 0; count < 10; count++) await taking.recv();
  await send;
  assertEquals(pending(), []);
});

test("Hub.pending() shows what an ending process has yet to deliver", async () => {
  using run = new TestRun();
  const [one, two] = [run.process(), run.process()];
  const sender = one.sender<Uint8Array>(two);
  sender.send(new Uint8Array(500_000)).catch(() => {});
  await turns(20);
  const flushed = one.hub.flush(0);
  const deliveries = () => [...one.hub.pending()].filter(({ kind }) => kind === "deliver");
  const [delivery] = deliveries();
  assert(delivery?.kind === "deliver");
  assertEquals(delivery.remote, two.pid);
  assert(delivery.bytes >= 500_000 && delivery.bytes < 500_100);
  await two.receiver(one).recv();
  await flushed;
  assertEquals(deliveries(), []);
});

test("Hub.sent() counts the values for each process, large and small, and names full channels", async () => {
  using run = new TestRun();
  const [one, two] = [run.process(), run.process()];
  assertEquals(one.hub.sent(), []);
  const sender = one.sender<unknown>(two, "jobs");
  const receiver = two.receiver<unknown>(one, "jobs");
  assertEquals(one.hub.sent(), [], "an open channel has sent nothing");
  await sender.send(1);
  await receiver.recv();
  const [small] = one.hub.sent();
  assertEquals([small?.remote, small?.values, small?.full], [two.pid, 1, []]);
  assert(small!.bytes > 0 && small!.bytes < 100);
  const large = sender.send(new Uint8Array(3_000_000));
  await receiver.recv();
  await large;
  const [both] = one.hub.sent();
  assertEquals(both?.values, 2);
  assert(both!.bytes > 3_000_000 && both!.bytes < 3_001_000);
  assertEquals(two.hub.sent(), [], "what it receives is counted by the other one");

  const bulk = one.sender<Uint8Array>(two, "bulk");
  const reader = two.receiver<Uint8Array>(one, "bulk");
  const count = await fill(bulk, KIB, WINDOW_BYTES);
  const [full] = one.hub.sent();
  assertEquals([full?.values, full?.full], [2 + count, ["bulk"]]);
  const queued = bulk.send(KIB);
  for (let value = 0; value <= count; value++) await reader.recv();
  await queued;
  const [read] = one.hub.sent();
  assertEquals([read?.values, read?.full], [3 + count, []]);
});

test("Hub.unread() counts the whole values that nobody has taken, of each channel", async () => {
  using run = new TestRun();
  const [one, two, three] = [run.process(), run.process(), run.process()];
  const counts = () => two.hub.unread().map(({ remote, name, values }) => [remote, name, values]);
  const send = async (from: typeof one, name: string, values: readonly unknown[]) => {
    const sender = from.sender<unknown>(two, name);
    for (const value of values) await sender.send(value);
    await sender.close(); // so that all have arrived
  };
  assertEquals(counts(), []);
  const receiver = two.receiver<unknown>(one, "taken");
  await send(one, "taken", [1, new Uint8Array(300_000), 3]);
  await send(one, "left", ["no Receiver", "was made"]);
  await send(three, "x".repeat(100), [7]);
  await send(three, "empty", []);
  const name = "x".repeat(64);
  assertEquals(counts(), [[one.pid, "taken", 3], [one.pid, "left", 2], [three.pid, name, 1]]);
  assertEquals(await receiver.recv(), 1);
  const [taken] = two.hub.unread();
  assertEquals(taken?.values, 2);
  assert(taken!.bytes > 300_000 && taken!.bytes < 300_100, `${taken!.bytes}`);
  await receiver.recv();
  await receiver.recv();
  assertEquals(counts(), [[one.pid, "left", 2], [three.pid, name, 1]]);
  // What a closed Receiver has dropped was not wanted; what a process has sent is kept after its end.
  two.receiver<unknown>(one, "left").close();
  run.end(three, { signal: "SIGKILL" });
  await turns();
  assertEquals(counts(), [[three.pid, name, 1]]);
  assertEquals(one.hub.unread(), [], "what it has sent is not unread");
});

test("Hub.unread() names no more than 64 channels", async () => {
  using run = new TestRun();
  const [one, two] = [run.process(), run.process()];
  for (let number = 0; number < 70; number++) {
    const sender = one.sender<number>(two, `${number}`);
    await sender.send(number);
    await sender.close();
  }
  assertEquals(two.hub.unread().length, 64);
});
