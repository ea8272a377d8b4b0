/** Channels by name, and Acceptors. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Acceptor } from "../../src/channel/acceptor.ts";
import type { Receiver } from "../../src/channel/receiver.ts";
import { after, select } from "../../src/channel/select.ts";
import type { Sender } from "../../src/channel/sender.ts";
import { ChannelError } from "../../src/core/errors.ts";
import { FIRST_WINDOW_BYTES, MAX_UNRECEIVED_CHANNELS } from "../../src/wire/frame.ts";
import { fill, test, TestRun, turns, until } from "./pair.ts";

const KIB = new Uint8Array(1024 - 64);

test("channels of different names do not mix, and one connection carries all of them", async () => {
  using run = new TestRun();
  const [one, two] = [run.process({ relayed: true }), run.process({ relayed: true })];
  const names = ["", "a", "A", "ä", " ", "a/b", "\u0000", "\uFEFF", "x".repeat(255)];
  const senders = names.map((name) => one.sender<string>(two, name));
  const back = names.map((name) => two.sender<string>(one, name));
  for (const [index, sender] of senders.entries()) {
    assertEquals([sender.remote, sender.name], [two.pid, names[index]]);
    void sender.send(`to ${names[index]}`);
    void back[index]!.send(`from ${names[index]}`);
  }
  for (const name of names.toReversed()) {
    const receiver = two.receiver<string>(one, name);
    assertEquals([receiver.remote, receiver.name], [one.pid, name]);
    assertEquals(await receiver.recv(), `to ${name}`);
    assertEquals(await one.receiver<string>(two, name).recv(), `from ${name}`);
  }
  await until(() => one.relay!.open + two.relay!.open === 1, "one connection");
});

test("an end is refused twice for the same name, for one that is too long, and for none", async () => {
  using run = new TestRun();
  const [one, two] = [run.process(), run.process()];
  const sender = one.sender(two, "jobs");
  const receiver = one.receiver(two, "jobs");
  one.sender(two);
  one.sender(two, "Jobs");
  assertThrows(
    () => one.sender(two, "jobs"),
    Error,
    `Cannot create a Sender to ${two.pid.slice(0, 7)}: a Sender to this pid named "jobs" already ` +
      `exists`,
  );
  assertThrows(() => one.sender(two), Error, "a Sender to this pid already exists");
  assertThrows(() => one.receiver(two, "jobs"), Error, 'named "jobs" already exists');
  void sender.close();
  await receiver.close();
  one.sender(two, "jobs");
  one.receiver(two, "jobs");
  for (const long of ["x".repeat(256), "ä".repeat(128), "😀".repeat(64)]) {
    assertThrows(
      () => one.sender(two, long),
      RangeError,
      "256 bytes in UTF-8; at most 255 are allowed",
    );
    assertThrows(() => one.receiver(two, long), RangeError, "its name has 256 bytes");
    assertThrows(() => one.acceptor(long), RangeError, "Cannot create an Acceptor: its name has");
  }
  for (const wrong of [5, null, {}, ["a"]]) {
    const name = wrong as unknown as string;
    assertThrows(() => one.sender(two, name), TypeError, "not a string");
    assertThrows(() => one.receiver(two, name), TypeError, "not a string");
    assertThrows(() => one.acceptor(name), TypeError, "not a string");
  }
  assertThrows(() => one.sender(two, "\ud800"), TypeError, "a lone surrogate");
});

test("the n-th Sender of a name is paired with the n-th Receiver of that name", async () => {
  using run = new TestRun();
  const [one, two] = [run.process(), run.process()];
  for (let count = 0; count < 5; count++) {
    for (const name of ["a", "b"]) {
      const sender = one.sender<string>(two, name);
      await sender.send(`${name}${count}`);
      await sender.close();
    }
  }
  for (let count = 0; count < 5; count++) {
    for (const name of ["b", "a"]) {
      const receiver = two.receiver<string>(one, name);
      assertEquals(await receiver.recv(), `${name}${count}`);
      assertEquals(await receiver.recv().catch(({ kind }) => kind), "closed");
      await receiver.close();
    }
  }
});

test("a full channel, and one with a large value under way, hold up no other one", async () => {
  using run = new TestRun();
  const [one, two] = [run.process(), run.process()];
  const full = one.sender<Uint8Array>(two, "full");
  await fill(full, KIB, FIRST_WINDOW_BYTES);
  const large = one.sender<Uint8Array>(two, "large");
  const largeReceiver = two.receiver<Uint8Array>(one, "large");
  const sent = large.send(new Uint8Array(50_000_000).fill(5));
  const small = one.sender<number>(two, "small");
  const smallReceiver = two.receiver<number>(one, "small");
  let during = 0;
  let isOver = false;
  const received = largeReceiver.recv().then((value) => {
    isOver = true;
    return value;
  });
  for (let index = 0; index < 2_000; index++) {
    await small.send(index);
    assertEquals(await smallReceiver.recv(), index);
    if (!isOver) during = index + 1;
  }
  assert(during > 10, `${during} small values came while the large one did`);
  assertEquals([(await received).length, full.trySend(KIB)], [50_000_000, false]);
  await sent;
});

test("without a Receiver a channel takes 64 KiB, and the rest once there is one", async () => {
  using run = new TestRun();
  const [one, two] = [run.process(), run.process()];
  const sender = one.sender<number[] | Uint8Array>(two);
  const count = await fill(sender, KIB, FIRST_WINDOW_BYTES);
  assert(count * KIB.length < FIRST_WINDOW_BYTES + 4096, `${count} values`);
  const waits = [sender.send(new Uint8Array(3_000_000)), sender.send([1])];
  await turns(20);
  assertEquals(one.hold.count, 2);
  const receiver = two.receiver<number[] | Uint8Array>(one);
  for (let index = 0; index < count; index++) await receiver.recv();
  assertEquals((await receiver.recv()).length, 3_000_000);
  assertEquals(await receiver.recv(), [1]);
  await Promise.all(waits);
});

test("1,000 channels without a Receiver are taken, and one more is an error at its Sender", async () => {
  using run = new TestRun();
  const [one, two] = [run.process(), run.process()];
  const open = (index: number) => one.sender<number>(two, `${index}`);
  for (let index = 0; index < MAX_UNRECEIVED_CHANNELS; index++) await open(index).send(index);
  const last = open(MAX_UNRECEIVED_CHANNELS);
  assertEquals(last.trySend(0), false);
  for (
    const send of [() => last.send(1), () => last.send(1), () => Promise.resolve(last.trySend(2))]
  ) {
    const error = await assertRejects(async () => void await send(), ChannelError);
    assertEquals(error.kind, "closed");
    assert(error.message.includes("1000 channels from this process without a Receiver"));
  }
  await last.close();
  // A Receiver makes room for one more, although the sender does not know that yet.
  const receiver = two.receiver<number>(one, "0");
  await open(2_000).send(2_000);
  assertEquals(await receiver.recv(), 0);
  await assertRejects(() => open(2_001).send(0), ChannelError);
  for (let index = 1; index < MAX_UNRECEIVED_CHANNELS; index++) {
    assertEquals(await two.receiver<number>(one, `${index}`).recv(), index);
  }
  assertEquals(await two.receiver<number>(one, "2000").recv(), 2_000);
});

test("channels of one name that are closed before they are received keep what was taken, in order", async () => {
  using run = new TestRun();
  const [one, two] = [run.process(), run.process()];
  const taken: number[] = [];
  for (let index = 0; index < MAX_UNRECEIVED_CHANNELS + 500; index++) {
    const sender = one.sender<number>(two, "again");
    await sender.send(index).then(() => taken.push(index), () => {});
    await sender.close();
    if (index % 5 > 0 || index > 1_000) continue;
    await using receiver = two.receiver<number>(one, "again");
    assertEquals(await receiver.recv(), taken.shift());
  }
  assertEquals(taken.length, MAX_UNRECEIVED_CHANNELS);
  for (const value of taken) {
    await using receiver = two.receiver<number>(one, "again");
    assertEquals(await Array.fromAsync(receiver), [value]);
  }
});

function fails(sender: Sender<number>): boolean {
  try {
    sender.trySend(0);
    return false;
  } catch {
    return true;
  }
}

test("an Acceptor gives each channel of its name once, in order, from whomever it is", async () => {
  using run = new TestRun();
  const server = run.process();
  const clients = Array.from({ length: 5 }, () => run.process());
  // Some arrive before the Acceptor exists, and some while accept() waits.
  for (const client of clients.slice(0, 2)) {
    await client.sender<string>(server, "questions").send(client.pid);
    client.sender(server, "others");
    await until(() => server.hub.peer(client.pid).receiving.received !== undefined, "a peer");
    await turns(20);
  }
  const acceptor = server.acceptor<string>("questions");
  assertEquals(acceptor.name, "questions");
  const accepted: Receiver<string>[] = [];
  for (let count = 0; count < 2; count++) accepted.push(await acceptor.accept());
  assertEquals(acceptor.tryAccept(), undefined);
  const waiting = [acceptor.accept(), acceptor.accept(), acceptor.accept()];
  assertEquals(server.hold.count, 3, "each pending accept holds the process");
  for (const client of clients.slice(2)) {
    await client.sender<string>(server, "questions").send(client.pid);
    await turns(20);
  }
  accepted.push(...await Promise.all(waiting));
  assertEquals(accepted.map(({ remote }) => remote), clients.map(({ pid }) => pid));
  for (const receiver of accepted) {
    assertEquals([receiver.name, await receiver.recv()], ["questions", receiver.remote]);
  }
  assertEquals(server.hold.count, 0, "an open Acceptor does not");
});

test("an Acceptor gives no channel that a Receiver was made for, before or after it came", async () => {
  using run = new TestRun();
  const [one, two] = [run.process(), run.process()];
  const early = two.receiver<number>(one, "a");
  const acceptor = two.acceptor<number>("a");
  for (let number = 0; number < 4; number++) {
    const sender = one.sender<number>(two, "a");
    void sender.send(number);
    void sender.close();
  }
  assertEquals(await early.recv(), 0);
  await early.close();
  const second = await acceptor.accept();
  // The second is still open; a Receiver for the third can be created once it is closed.
  assertThrows(() => two.receiver(one, "a"), Error, "already exists");
  assertEquals(await second.recv(), 1);
  await second.close();
  const third = two.receiver<number>(one, "a");
  assertEquals(await third.recv(), 2);
  const fourth = await acceptor.accept();
  assertEquals(await fourth.recv(), 3);
  assertEquals(acceptor.tryAccept(), undefined);
});

test("several channels of one name and process may be open by an Acceptor", async () => {
  using run = new TestRun();
  const [one, two] = [run.process(), run.process()];
  const acceptor = two.acceptor<number>();
  const first = one.sender<number>(two);
  void first.send(1);
  void first.close();
  void one.sender<number>(two).send(2);
  const [a, b] = [await acceptor.accept(), await acceptor.accept()];
  assertEquals([await b.recv(), await a.recv()], [2, 1]);
  await a.close();
  await b.close();
});

test("a channel arrives as soon as its Sender is made, and continues like any other", async () => {
  using run = new TestRun();
  const [one, two] = [run.process(), run.process()];
  const acceptor = two.acceptor<Uint8Array>();
  const sender = one.sender<Uint8Array>(two);
  const receiver = await acceptor.accept();
  void sender.send(new Uint8Array(5_000_000));
  assertEquals((await receiver.recv()).length, 5_000_000);
  await receiver.close();
  await until(() => fails(sender as unknown as Sender<number>), "the Sender hears");
});

test("accept() gives up at its signal, and no channel is lost", async () => {
  using run = new TestRun();
  const [one, two] = [run.process(), run.process()];
  const acceptor = two.acceptor<number>();
  const aborted = AbortSignal.abort(new Error("before"));
  await assertRejects(() => acceptor.accept({ signal: aborted }), Error, "before");
  const controller = new AbortController();
  const [given, kept] = [acceptor.accept({ signal: controller.signal }), acceptor.accept()];
  controller.abort(new Error("enough"));
  await assertRejects(() => given, Error, "enough");
  one.sender(two);
  assertEquals((await kept).remote, one.pid);
  assertEquals(two.hold.count, 0);
});

test("selectableAccept() is an operation of select, and can be given up", async () => {
  using run = new TestRun();
  const [one, two] = [run.process(), run.process()];
  const acceptor = two.acceptor<number>("a");
  const nothing = await select([acceptor.selectableAccept(), after(1)]);
  assertEquals(nothing.index, 1);
  const pending = select([after(60_000), acceptor.selectableAccept()]);
  one.sender(two, "a");
  const selected = await pending;
  assert("value" in selected && selected.index === 1);
  assertEquals(selected.value!.remote, one.pid);
  await acceptor.close();
  const closed = await select([acceptor.selectableAccept()]);
  assert("error" in closed);
  assertEquals([closed.error.kind, closed.error.remote], ["closed", two.pid]);
});

test("closing an Acceptor ends its loop, rejects waiting calls, and leaves other channels", async () => {
  using run = new TestRun();
  const [one, two] = [run.process(), run.process()];
  {
    await using acceptor = two.acceptor<number>("a");
    assertThrows(
      () => two.acceptor("a"),
      Error,
      'Cannot create an Acceptor: one named "a" already exists',
    );
    const waiting = assertRejects(() => acceptor.accept(), ChannelError, "was closed");
    const loop = (async () => {
      let count = 0;
      for await (const _ of acceptor) count++;
      return count;
    })();
    await acceptor.close();
    await waiting;
    assertEquals(await loop, 0);
    assertThrows(() => acceptor.tryAccept(), ChannelError, "was closed");
  }
  void one.sender<number>(two, "a").send(1);
  await turns(20);
  const next = two.acceptor<number>("a");
  assert(next instanceof Acceptor);
  assertEquals(await (await next.accept()).recv(), 1);
});

test("an Acceptor gives channels of processes that have ended since, with how they ended", async () => {
  using run = new TestRun();
  const [one, two] = [run.process(), run.process()];
  void one.sender<number>(two, "a").send(1);
  await one.hub.flush(3);
  const receiver = await two.acceptor<number>("a").accept();
  assertEquals(await receiver.recv(), 1);
  const error = await assertRejects(() => receiver.recv(), ChannelError);
  assertEquals([error.kind, error.status], ["failed", { code: 3 }]);
  await receiver.close();
});

test("a server answers its clients on channels of the same name", async () => {
  using run = new TestRun();
  const server = run.process();
  const acceptor = server.acceptor<number>("square");
  const serve = async (questions: Receiver<number>) => {
    const answers = server.sender<number>(questions.remote, "square");
    for await (const question of questions) await answers.send(question * question);
    await answers.close();
  };
  const serving = (async () => {
    const clients: Promise<void>[] = [];
    for await (const questions of acceptor) clients.push(serve(questions));
    await Promise.all(clients);
  })();
  const ask = async (base: number) => {
    const client = run.process();
    const questions = client.sender<number>(server, "square");
    const answers = client.receiver<number>(server, "square");
    for (let index = 0; index < 20; index++) {
      await questions.send(base + index);
      assertEquals(await answers.recv(), (base + index) ** 2);
    }
    await questions.close();
    assertEquals(await answers.recv().catch(({ kind }) => kind), "closed");
  };
  await Promise.all([0, 100, 200, 300].map(ask));
  await acceptor.close();
  await serving;
});
