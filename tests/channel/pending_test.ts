/** What a process reports that it waits for. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { select } from "../../src/channel/select.ts";
import { FIRST_WINDOW_BYTES } from "../../src/wire/window.ts";
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
