/** Sender and Receiver: a test for each sentence of their contract. */

// @ts-types="../../types/std_assert.d.ts"
import {
  assert,
  assertEquals,
  assertNotStrictEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { Receiver } from "../../src/channel/receiver.ts";
import { Sender } from "../../src/channel/sender.ts";
import { ChannelError, type ChannelErrorKind } from "../../src/core/errors.ts";
import type { Pid } from "../../src/core/pid.ts";
import { FIRST_WINDOW_BYTES, WINDOW_BYTES } from "../../src/wire/frame.ts";
import { channel, fill, test, TestRun, turns, until } from "./pair.ts";

async function assertKind(
  act: () => Promise<unknown>,
  kind: ChannelErrorKind,
): Promise<ChannelError> {
  const error = await assertRejects(act, ChannelError);
  assertEquals(error.kind, kind, error.message);
  return error;
}

/** Whether a promise has already settled. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  const pending = {};
  await turns();
  return await Promise.race([promise.catch(() => {}), Promise.resolve(pending)]) !== pending;
}

const KIB = new Uint8Array(1024 - 64);

test("an end is made at once, without I/O, and knows its remote", () => {
  using run = new TestRun();
  const [one, two] = [run.process({ relayed: true }), run.process({ relayed: true })];
  const sender = one.sender(two);
  assertEquals([sender.remote, one.receiver(two).remote], [two.pid, two.pid]);
  assertEquals(two.relay!.accepted, 0);
});

test("a channel end is refused to oneself, to an invalid Pid, and twice to the same process", async () => {
  using run = new TestRun();
  const [one, two] = [run.process(), run.process()];
  assertThrows(() => one.sender(one), TypeError, "a process cannot create a channel to itself");
  assertThrows(() => one.receiver(one), TypeError, "a process cannot create a channel to itself");
  for (const wrong of ["", "abc", two.pid.slice(1), `${two.pid} `]) {
    assertThrows(
      () => one.sender(wrong as Pid),
      TypeError,
      `${JSON.stringify(wrong)} is not a Pid`,
    );
    assertThrows(() => one.receiver(wrong as Pid), TypeError, "is not a Pid");
  }
  for (const wrong of [undefined, null, 5, {}, Symbol("pid")]) {
    assertThrows(() => new Sender(wrong as unknown as Pid), TypeError, "is not a Pid");
    assertThrows(() => new Receiver(wrong as unknown as Pid), TypeError, "is not a Pid");
  }
  const sender = one.sender(two);
  const receiver = one.receiver(two);
  assertThrows(() => one.sender(two), Error, "a Sender to this pid already exists");
  assertThrows(() => one.receiver(two), Error, "a Receiver to this pid already exists");
  const closed = sender.close();
  one.sender(two);
  await receiver.close();
  one.receiver(two);
  two.receiver(one);
  await closed;
});

test("values arrive in the order of the sends, awaited or not, and before there is a Receiver", async () => {
  using run = new TestRun();
  const [one, two] = [run.process(), run.process()];
  const sender = one.sender<number | Uint8Array>(two);
  const sends: Promise<void>[] = [];
  for (let index = 0; index < 5_000; index++) {
    if (index % 10 === 0) await sender.send(index);
    else sends.push(sender.send(index));
  }
  await turns(20);
  const receiver = two.receiver<number>(one);
  for (let index = 0; index < 5_000; index++) assertEquals(await receiver.recv(), index);
  await Promise.all(sends);
});

test("hundreds of thousands of sends may wait, at the same cost each", async () => {
  using pair = channel<{ index: number; text: string }>();
  const count = 150_000;
  const text = "some text of some length";
  const sends = Array.from({ length: count }, (_, index) => pair.sender.send({ index, text }));
  for (let index = 0; index < count; index++) {
    const value = await pair.receiver.recv();
    if (value.index !== index) throw new Error(`${value.index} in place of ${index}`);
  }
  await Promise.all(sends);
  assertEquals(pair.one.hold.count, 0);
});

test("send waits exactly while the window is full, and trySend sends exactly when it does not", async () => {
  using pair = channel<Uint8Array>();
  const { sender, receiver, one } = pair;
  const count = await fill(sender, KIB);
  assert(count >= WINDOW_BYTES / 1024 && count <= WINDOW_BYTES / 1024 * 1.1, `${count} values`);
  assertEquals(sender.trySend(KIB), false);
  assertEquals(one.hold.count, 0);
  const waits = sender.send(KIB);
  assertEquals(await settled(waits), false);
  assertEquals(one.hold.count, 1, "a pending send holds the process");
  // Credit comes in portions of an eighth of the window.
  for (let read = 0; read < count / 16; read++) await receiver.recv();
  assertEquals(await settled(waits), false);
  for (let read = 0; read < count / 8; read++) await receiver.recv();
  await waits;
  assertEquals(one.hold.count, 0);
  assertEquals(sender.trySend(KIB), true);
});

test("send copies the value before it returns", async () => {
  using pair = channel<{ numbers: number[]; bytes: Uint8Array }>();
  const value = { numbers: [1], bytes: new Uint8Array([1]) };
  const large = { numbers: [2], bytes: new Uint8Array(3_000_000).fill(2) };
  void pair.sender.send(value);
  void pair.sender.send(large);
  value.numbers.push(9);
  value.bytes[0] = 9;
  large.bytes.fill(9);
  const received = await pair.receiver.recv();
  assertEquals(received, { numbers: [1], bytes: new Uint8Array([1]) });
  assertNotStrictEquals(received, value);
  assertEquals((await pair.receiver.recv()).bytes.every((byte) => byte === 2), true);
});

test("a value that cannot be sent rejects with its path, and leaves the channel unchanged", async () => {
  using pair = channel<unknown>();
  const jobs = [{}, {}, {}, { run() {} }];
  await assertRejects(
    () => pair.sender.send({ jobs }),
    TypeError,
    "value.jobs[3].run is a function; functions cannot be sent",
  );
  const { signal } = new AbortController();
  await assertRejects(() => pair.sender.send(Symbol("s"), { signal }), TypeError, "symbol");
  assertThrows(() => pair.sender.trySend({ promise: Promise.resolve() }), TypeError, "promise");
  await pair.sender.send("after");
  assertEquals(await pair.receiver.recv(), "after");
  assertEquals(pair.one.hold.count, 0);
});

test("calls of recv that overlap are served in their order", async () => {
  using pair = channel<number>();
  const order: string[] = [];
  const calls = Array.from(
    { length: 50 },
    (_, index) => pair.receiver.recv().then((value) => order.push(`${index}:${value}`)),
  );
  assertEquals(pair.two.hold.count, 50, "each pending recv holds the process");
  for (let index = 0; index < 50; index++) await pair.sender.send(index);
  await Promise.all(calls);
  assertEquals(order, Array.from({ length: 50 }, (_, index) => `${index}:${index}`));
  assertEquals(pair.two.hold.count, 0);
});

test("an aborted recv rejects with the reason, and loses no value", async () => {
  using pair = channel<number>();
  const { sender, receiver, two } = pair;
  const reason = new Error("enough");
  await assertRejects(() => receiver.recv({ signal: AbortSignal.abort(reason) }), Error, "enough");
  for (let round = 0; round < 30; round++) {
    const controller = new AbortController();
    const calls = [
      receiver.recv({ signal: controller.signal }),
      receiver.recv({ signal: controller.signal }),
      receiver.recv(),
    ];
    void sender.send(3 * round);
    if (round % 2 === 0) await turns(round % 4); // it arrives before, after, or at this moment
    controller.abort(reason);
    void sender.send(3 * round + 1);
    void sender.send(3 * round + 2);
    const outcomes = await Promise.allSettled(calls);
    const values = outcomes.flatMap((outcome) =>
      outcome.status === "fulfilled" ? [outcome.value] : []
    );
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") assertStrictEquals(outcome.reason, reason);
    }
    while (values.length < 3) values.push(await receiver.recv());
    assertEquals(values, [3 * round, 3 * round + 1, 3 * round + 2]);
  }
  assertEquals(two.hold.count, 0);
});

test("an aborted send rejects with the reason, and the value is not sent", async () => {
  using pair = channel<Uint8Array | string>();
  const { sender, receiver, one } = pair;
  const reason = new Error("enough");
  const aborted = AbortSignal.abort(reason);
  await assertRejects(() => sender.send("never", { signal: aborted }), Error, "enough");
  const count = await fill(sender as Sender<Uint8Array>, KIB);
  const controller = new AbortController();
  const { signal } = controller;
  const small = sender.send("never", { signal });
  const large = sender.send(new Uint8Array(4_000_000), { signal });
  const last = sender.send("last");
  controller.abort(reason);
  assertStrictEquals(await small.catch((error) => error), reason);
  assertStrictEquals(await large.catch((error) => error), reason);
  for (let index = 0; index < count; index++) await receiver.recv();
  assertEquals(await receiver.recv(), "last");
  await last;
  // Between its pieces.
  const middle = new AbortController();
  const begun = sender.send(new Uint8Array(9_000_000), { signal: middle.signal });
  const first = sender.send("first");
  await turns(3);
  middle.abort(reason);
  const outcome = await begun.then(() => "sent", (error) => error);
  const value = await receiver.recv();
  assertEquals(outcome === "sent" ? 9_000_000 : "first", outcome === "sent" ? value.length : value);
  await (outcome === "sent" ? receiver.recv() : first);
  assertEquals(one.hold.count, 0);
});

test("a send that has got its room is not rejected by an abort at the same moment", async () => {
  using pair = channel<Uint8Array | string>();
  const { sender, receiver } = pair;
  const count = await fill(sender as Sender<Uint8Array>, KIB);
  const controller = new AbortController();
  // The first in the queue learns of it first, and aborts the one that got its room.
  const first = sender.send("first").then(() => controller.abort(new Error("enough")));
  const second = sender.send("second", { signal: controller.signal }).then(() => true, () => false);
  for (let index = 0; index < count; index++) await receiver.recv();
  await first;
  const sent = await second;
  await sender.send("third");
  assertEquals(await receiver.recv(), "first");
  assertEquals(await receiver.recv(), sent ? "second" : "third");
});

test("after close, recv gives the values and then closed; send rejects with closed at once", async () => {
  using pair = channel<number>();
  const { sender, receiver } = pair;
  for (let index = 0; index < 3; index++) void sender.send(index);
  const closed = sender.close();
  assertStrictEquals(sender.close(), closed, "closing twice is closing once");
  await assertKind(() => sender.send(3), "closed");
  assertThrows(() => sender.trySend(3), ChannelError, "this Sender was closed");
  await closed; // acknowledged, but not received
  for (let index = 0; index < 3; index++) assertEquals(await receiver.recv(), index);
  await assertKind(() => receiver.recv(), "closed");
  await assertKind(() => receiver.recv(), "closed");
  assertThrows(() => receiver.tryRecv(), ChannelError, "its Sender was closed");
});

test("close of a Sender waits for its queued values, and for nothing of a later Sender", async () => {
  using pair = channel<Uint8Array>();
  const { sender, receiver, one, two } = pair;
  const count = await fill(sender, KIB);
  const waits = sender.send(KIB);
  const closed = sender.close();
  assertEquals(await settled(closed), false);
  assertEquals(one.hold.count, 2);
  const later = one.sender<Uint8Array>(two);
  for (let index = 0; index <= count; index++) await receiver.recv();
  await waits;
  const laterCount = await fill(later, KIB, FIRST_WINDOW_BYTES);
  const never = later.send(KIB);
  await closed;
  await assertKind(() => receiver.recv(), "closed");
  await receiver.close();
  const second = two.receiver<Uint8Array>(one);
  for (let index = 0; index <= laterCount; index++) await second.recv();
  await never;
});

test("close of a Receiver drops unread values, rejects waiting calls, and stops the Sender", async () => {
  using pair = channel<Uint8Array>();
  const { sender, receiver, one, two } = pair;
  await fill(sender, KIB);
  const waits = [sender.send(KIB), sender.send(new Uint8Array(5_000_000))];
  const failed = waits.map((send) => assertKind(() => send, "closed"));
  await receiver.close();
  await receiver.close();
  await Promise.all(failed);
  await assertKind(() => sender.send(KIB), "closed");
  await assertKind(() => receiver.recv(), "closed");
  await sender.close();
  // And the opposite: one that does not wait.
  const next = two.receiver<number>(one);
  const pending = [
    assertKind(() => next.recv(), "closed"),
    assertKind(() => next.recv(), "closed"),
  ];
  await next.close();
  await Promise.all(pending);
  assertEquals([one.hold.count, two.hold.count], [0, 0]);
});

test("a channel is reopened with another type, also in the middle of a large value", async () => {
  using run = new TestRun();
  const [one, two] = [run.process(), run.process()];
  for (let round = 0; round < 20; round++) {
    const receiver = two.receiver<Uint8Array>(one);
    const sender = one.sender<Uint8Array>(two);
    const send = sender.send(new Uint8Array(6_000_000)).catch((error) => error);
    await turns(round);
    if (round % 2 === 0) await receiver.close();
    const closed = sender.close();
    await receiver.close();
    const texts = one.sender<string>(two);
    void texts.send(`round ${round}`);
    const second = two.receiver<string>(one);
    assertEquals(await second.recv(), `round ${round}`);
    await Promise.all([send, closed, texts.close(), second.close()]);
  }
  assertEquals([one.hold.count, two.hold.count], [0, 0]);
});

test("an end of the process gives exited, failed or lost, after the values that had come", async () => {
  const table = [
    [{ code: 0 }, "exited"],
    [{ code: 3 }, "failed"],
    [{ signal: "SIGKILL" }, "lost"],
    [{ killed: "memory: 131 MiB used" }, "lost"],
    [{ lost: "its node was silent" }, "lost"],
  ] as const;
  for (const [status, kind] of table) {
    using pair = channel<number>();
    const { run, one, two, sender, receiver } = pair;
    for (let index = 0; index < 10; index++) await sender.send(index);
    await until(() => !one.hub.peer(two.pid).unfinished, "all of it is there");
    const back = two.sender<number>(one);
    one.relay!.close();
    two.relay!.close();
    one.hub.peer(two.pid).abandon();
    run.end(one, status);
    for (let index = 0; index < 10; index++) assertEquals(await receiver.recv(), index);
    const error = await assertKind(() => receiver.recv(), kind);
    assertEquals(error.status, status);
    await assertKind(() => back.send(1), kind);
    assertThrows(() => back.trySend(1), ChannelError);
    await back.close();
    assertEquals(two.noticed, kind === "exited" ? [] : [one.pid], "told once");
  }
});

test("a goodbye gives exited, and a close before it stays closed", async () => {
  using pair = channel<number>();
  const { one, two, sender, receiver } = pair;
  void sender.send(1);
  await one.hub.flush(0);
  assertEquals(await receiver.recv(), 1);
  await assertKind(() => receiver.recv(), "exited");
  using other = channel<number>();
  void other.sender.close();
  await other.one.hub.flush(0);
  await assertKind(() => other.receiver.recv(), "closed");
  assertEquals([one.hold.count, two.hold.count], [0, 0]);
});

test("flush() delivers everything, however slow the reader, and sends bye to all", async () => {
  using run = new TestRun();
  const [one, two, three] = [run.process(), run.process(), run.process()];
  const toTwo = one.sender<Uint8Array>(two);
  const toThree = one.sender<number>(three);
  for (let index = 0; index < 40; index++) void toTwo.send(new Uint8Array(100_000).fill(index));
  void toThree.send(3);
  const flushed = one.hub.flush(0);
  assertEquals(one.hub.dirty, true);
  const receiver = two.receiver<Uint8Array>(one);
  let next = 0;
  for await (const value of receiver) {
    assertEquals(value[0], next++);
    await turns(1);
  }
  assertEquals(next, 40);
  await flushed;
  assertEquals(one.hub.dirty, false);
  assertEquals(await three.receiver<number>(one).recv(), 3);
});

test("tryRecv gives a value if one is there, and undefined otherwise", async () => {
  using pair = channel<undefined | number>();
  assertEquals(pair.receiver.tryRecv(), undefined);
  await pair.sender.send(undefined);
  await pair.sender.send(5);
  let first = pair.receiver.tryRecv();
  for (; first === undefined; first = pair.receiver.tryRecv()) await turns(1);
  assertEquals(first, { value: undefined });
  assertEquals(await pair.receiver.recv(), 5);
  assertEquals(pair.receiver.tryRecv(), undefined);
});

test("for await ends on closed and exited, throws on lost, and may be left and entered again", async () => {
  using pair = channel<number>();
  for (let index = 0; index < 6; index++) void pair.sender.send(index);
  const seen: number[] = [];
  for await (const value of pair.receiver) {
    seen.push(value);
    if (value === 2) break;
  }
  void pair.sender.close();
  for await (const value of pair.receiver) seen.push(value);
  assertEquals(seen, [0, 1, 2, 3, 4, 5]);
  using lost = channel<number>();
  const iterator = lost.receiver[Symbol.asyncIterator]();
  lost.one.hub.peer(lost.two.pid).abandon();
  lost.one.relay!.close();
  lost.run.end(lost.one, { signal: "SIGKILL" });
  await assertKind(() => iterator.next(), "lost");
});

test("await using closes both ends", async () => {
  using run = new TestRun();
  const [one, two] = [run.process(), run.process()];
  {
    await using sender = one.sender<number>(two);
    await sender.send(1);
  }
  {
    await using receiver = two.receiver<number>(one);
    assertEquals(await receiver.recv(), 1);
  }
  one.sender(two);
  two.receiver(one);
});

test("values of 5 MB and one of 100 MB pass, and the reader holds no more than one and a window", async () => {
  using pair = channel<Uint8Array>();
  const { sender, receiver } = pair;
  const sends = (async () => {
    for (let index = 0; index < 5; index++) {
      await sender.send(new Uint8Array(5_000_000).fill(index));
    }
    await sender.send(new Uint8Array(100_000_000).fill(7));
  })();
  await turns(100);
  // The reader holds what was sent and not yet credited.
  const waiting = (): boolean => !sender.trySend(new Uint8Array(1));
  assertEquals(waiting(), true);
  for (let index = 0; index < 5; index++) {
    const value = await receiver.recv();
    assertEquals([value.length, value[0], value[4_999_999]], [5_000_000, index, index]);
    await turns(3);
  }
  const large = await receiver.recv();
  assertEquals([large.length, large[0], large[99_999_999]], [100_000_000, 7, 7]);
  await sends;
});

test("one stuck channel does not stop the other direction", async () => {
  using pair = channel<Uint8Array>();
  const { sender, one, two } = pair;
  await fill(sender, KIB);
  const stuck = sender.send(new Uint8Array(5_000_000)).catch(() => {});
  const back = two.sender<number>(one);
  const backReceiver = one.receiver<number>(two);
  for (let index = 0; index < 300_000; index += 1_000) {
    await back.send(index);
    assertEquals(await backReceiver.recv(), index);
  }
  await pair.receiver.close();
  await stuck;
});

test("streams carry values with backpressure, from end to end", async () => {
  using pair = channel<number>();
  let pulled = 0;
  const source = new ReadableStream<number>({
    pull: (controller) => {
      controller.enqueue(pulled++);
      if (pulled === 200_000) controller.close();
    },
  }, { highWaterMark: 0 });
  const piped = source.pipeThrough(
    new TransformStream<number, number>({
      transform: (value, controller) => controller.enqueue(2 * value),
    }),
  ).pipeTo(pair.sender.writable);
  await turns(400);
  assert(pulled < 200_000, "a reader that does not read stops the source");
  assertStrictEquals(pair.receiver.readable, pair.receiver.readable);
  let count = 0;
  await pair.receiver.readable.pipeTo(
    new WritableStream({
      write: (value) => {
        if (value !== 2 * count++) throw new Error(`${value} in place of ${2 * count - 2}`);
      },
    }),
  );
  await piped;
  assertEquals(count, 200_000);
});

test("cancelling the readable closes the Receiver, also while it waits", async () => {
  using pair = channel<number>();
  const reader = pair.receiver.readable.getReader();
  const pending = reader.read();
  await turns();
  await reader.cancel();
  assertEquals((await pending).done, true);
  await until(() => stopped(pair.sender), "the Sender hears");
  assertEquals(pair.two.hold.count, 0);
});

function stopped(sender: Sender<number>): boolean {
  try {
    sender.trySend(0);
    return false;
  } catch (error) {
    return error instanceof ChannelError && error.kind === "closed";
  }
}

test("aborting the writable aborts the Sender, also while it waits for room", async () => {
  using pair = channel<Uint8Array>();
  const count = await fill(pair.sender, KIB);
  const writer = pair.sender.writable.getWriter();
  const write = writer.write(KIB).catch((error) => error);
  await turns();
  await writer.abort(new Error("enough"));
  assertEquals((await write).message, "enough");
  for (let index = 0; index < count; index++) await pair.receiver.recv();
  const error = await assertKind(() => pair.receiver.recv(), "aborted");
  assertEquals((error.cause as Error).message, "enough");
});

test("a readable fails when the remote is lost, and a writable when the Receiver is closed", async () => {
  using pair = channel<number>();
  const writer = pair.sender.writable.getWriter();
  await writer.write(1);
  assertEquals(await pair.receiver.recv(), 1);
  await pair.receiver.close();
  await until(() => stopped(pair.sender), "the Sender hears");
  await assertKind(() => writer.write(2), "closed");
  using other = channel<number>();
  const reader = other.receiver.readable.getReader();
  const pending = assertKind(() => reader.read(), "lost");
  other.one.hub.peer(other.two.pid).abandon();
  other.one.relay!.close();
  other.run.end(other.one, { signal: "SIGKILL" });
  await pending;
});
