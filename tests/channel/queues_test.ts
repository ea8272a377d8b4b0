/** The two halves of the channels between two processes, compared with a model. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { InChannel } from "../../src/channel/in_channel.ts";
import { InChannels } from "../../src/channel/in_channels.ts";
import type { OutChannel } from "../../src/channel/out_channel.ts";
import { Unclaimed } from "../../src/channel/unclaimed.ts";
import { LeftEntries } from "../../src/channel/left_entries.ts";
import { memoryBytes } from "../../src/channel/will_reader.ts";
import { StoredPart } from "../../src/core/stored_bytes.ts";
import {
  FIRST_WINDOW_BYTES,
  FrameType,
  HEADER_BYTES,
  MAX_PIECE_BYTES,
  MAX_UNRECEIVED_CHANNELS,
  MAX_VALUE_BYTES,
  WINDOW_BYTES,
} from "../../src/wire/frame.ts";
import { ProtocolError } from "../../src/core/errors.ts";
import { encode } from "../../src/codec/value_encoder.ts";
import { ChannelsPair } from "./channels_pair.ts";
import { forSeeds, type Random } from "./random.ts";

/** A value of about so many bytes, which contains its number. */
function valueOf(number: number, bytes: number): unknown {
  return bytes < 16 ? number : { number, rest: new Uint8Array(bytes - 16) };
}

function numberOf(value: unknown): number {
  return typeof value === "number" ? value : (value as { number: number }).number;
}

const sizes = (random: Random): number =>
  random.pick([1, 1, 40, 2_000, MAX_VALUE_BYTES, 40_000, 300_000, 1_500_000]);

/** The test's record of a Sender and its Receiver. */
interface Model {
  readonly name: string;
  readonly sender: OutChannel;
  receiver: InChannel | undefined;
  /** The numbers of the values, in the order in which they were sent. */
  readonly sent: number[];
  readonly received: number[];
  ended: "open" | "ended" | "aborted";
  /** Whether its Receiver was closed before all values had arrived. */
  stopped: boolean;
}

Deno.test("values of all channels come once and in order, whatever happens", async () => {
  await forSeeds(80, async (random) => {
    const pair = new ChannelsPair();
    const { sending, receiving } = pair;
    const channels: Model[] = [];
    /** Receivers that were created before their channels, by name. */
    const early = new Map<string, InChannel[]>();
    const names = ["", "a", "b", "ü".repeat(127)];
    let number = 0;
    const withdrawn = new Set<number>();
    const places: { own: number; leave: () => boolean }[] = [];
    const open = (name: string) => {
      const sender = sending.open(name);
      const receiver = early.get(name)?.shift();
      channels.push({
        name,
        sender,
        receiver,
        sent: [],
        received: [],
        ended: "open",
        stopped: receiver !== undefined && closed.has(receiver),
      });
    };
    const closed = new Set<InChannel>();
    const receive = (name: string): InChannel => {
      const receiver = receiving.receive(name);
      const model = channels.find((model) => model.name === name && model.receiver === undefined);
      if (model !== undefined) model.receiver = receiver;
      else early.set(name, [...early.get(name) ?? [], receiver]);
      return receiver;
    };
    const close = (receiver: InChannel) => {
      receiving.close(receiver);
      closed.add(receiver);
      for (const model of channels) if (model.receiver === receiver) model.stopped = true;
    };
    const end = (model: Model) => {
      model.ended = "ended";
      sending.close(model.sender);
      void model.sender.end();
    };
    const take = (model: Model): boolean => {
      if (model.receiver === undefined || closed.has(model.receiver)) return false;
      if (model.receiver.next() !== "value") return false;
      model.received.push(numberOf(model.receiver.take()));
      return true;
    };
    for (let step = 0; step < 500; step++) {
      const action = random.next();
      const name = random.pick(names);
      const model = channels.length > 0 ? random.pick(channels) : undefined;
      if (action < 0.04) {
        if (sending.has(name)) continue;
        open(name);
      } else if (action < 0.4 && model !== undefined && model.ended === "open") {
        if (places.length > 30 || model.sender.failure() !== undefined) continue;
        const own = number++;
        model.sent.push(own);
        const sent = model.sender.send(valueOf(own, sizes(random)), ({ leave }) => {
          places.push({ own, leave });
        });
        sent.then(() => {}, (error) => {
          // It may be aborted directly after it was stopped.
          const aborted = error.message === "aborted" && model.ended === "aborted";
          assert(aborted || (error.message === "stopped: 0" && model.stopped), error.message);
          withdrawn.add(own);
        }).finally(() => {
          const index = places.findIndex((place) => place.own === own);
          if (index >= 0) places.splice(index, 1);
        });
      } else if (action < 0.44 && places.length > 0) {
        const place = random.pick(places);
        if (!place.leave()) continue;
        withdrawn.add(place.own);
        places.splice(places.indexOf(place), 1);
      } else if (action < 0.46 && model?.ended === "open") {
        end(model);
      } else if (action < 0.47 && model?.ended === "open") {
        model.ended = "aborted";
        sending.close(model.sender);
        model.sender.abort(encode("reason"), () => new Error("aborted"));
      } else if (action < 0.51) {
        if (!receiving.has(name)) receive(name);
      } else if (action < 0.52) {
        const receiver = model?.receiver ?? early.get(name)?.at(-1);
        if (receiver !== undefined && !closed.has(receiver)) close(receiver);
      } else if (action < 0.75) {
        pair.forth(random.pick([1, 100, 70_000, Infinity]));
      } else if (action < 0.82) {
        pair.back();
      } else if (model !== undefined) {
        take(model);
      }
      if (step % 20 === 0) await null;
    }
    // Everything that is left arrives, and every waiter is settled.
    for (const model of channels) if (model.ended === "open") end(model);
    for (let more = true; more;) {
      pair.settle();
      more = false;
      for (const model of channels) while (take(model)) more = true;
      for (const model of channels) {
        if (model.receiver === undefined && !receiving.has(model.name)) {
          receive(model.name);
          more = true;
        }
        const { receiver } = model;
        if (receiver === undefined || closed.has(receiver) || receiver.next() !== "end") continue;
        const expected = model.ended === "aborted" ? "aborted" : "closed";
        assertEquals(receiver.end?.kind, expected, `channel ${model.sender.number}`);
        const before = model.stopped;
        close(receiver);
        model.stopped = before; // all had arrived
        more = true;
      }
    }
    await null;
    await null;
    for (const { sender, sent, received, stopped, ended } of channels) {
      const expected = sent.filter((own) => !withdrawn.has(own));
      // Only the last values were dropped: a closed Receiver has received the first ones.
      const length = stopped ? received.length : expected.length;
      assertEquals(received, expected.slice(0, length), `channel ${sender.number}, ${ended}`);
    }
    assertEquals(sending.waiting, false, "nothing stands in line");
    assertEquals(pair.outbox.unwritten, 0);
    await new Promise((resolve) => setTimeout(resolve));
    assertEquals(pair.hold.count, 0, "nothing is held");
    assertEquals([...sending.all()], [], "every channel is over");
    for (const receivers of early.values()) {
      for (const receiver of receivers) if (!closed.has(receiver)) receiving.close(receiver);
    }
  });
});

/** A channel with a Receiver, whose Sender knows of it. */
function accepted(pair: ChannelsPair, name = ""): [OutChannel, InChannel] {
  const receiver = pair.receiving.receive(name);
  const sender = pair.sending.open(name);
  pair.settle();
  return [sender, receiver];
}

Deno.test("a channel takes values while its window has room, and one that may exceed it", async () => {
  const value = new Uint8Array(1_000);
  const size = HEADER_BYTES + encode(value).length;
  for (const window of [FIRST_WINDOW_BYTES, WINDOW_BYTES]) {
    const pair = new ChannelsPair();
    const [sender] = window === WINDOW_BYTES ? accepted(pair) : [pair.sending.open("")];
    const before = pair.outbox.end;
    const fits = Math.ceil(window / size);
    for (let count = 0; count < fits; count++) {
      assert(sender.room);
      await sender.send(value);
    }
    assert(!sender.room);
    assertEquals(pair.outbox.end - before, fits * size);
    let resolved = false;
    const waits = sender.send(value).then(() => resolved = true);
    assertEquals(pair.hold.count, 1);
    sender.credit(fits * size - window);
    await null;
    assert(!resolved, "the window is exactly full");
    sender.credit(1);
    await waits;
    assertEquals(pair.hold.count, 0);
    assert(!sender.room);
  }
});

Deno.test("a value larger than the first window waits for a Receiver, and asks after it once", async () => {
  const pair = new ChannelsPair();
  const sender = pair.sending.open("");
  const fits = sender.send(new Uint8Array(60_000));
  const large = sender.send(new Uint8Array(FIRST_WINDOW_BYTES));
  const behind = sender.send("behind");
  pair.settle();
  await fits;
  assertEquals([pair.asked, pair.hold.count], [1, 2]);
  const receiver = pair.receiving.receive("");
  pair.settle();
  await Promise.all([large, behind]);
  assertEquals((receiver.take() as Uint8Array).length, 60_000);
  assertEquals((receiver.take() as Uint8Array).length, FIRST_WINDOW_BYTES);
  assertEquals(receiver.take(), "behind");
  assertEquals([pair.asked, pair.hold.count], [1, 0]);
});

Deno.test("a channel returns all credit for read and cancelled values", () => {
  const pair = new ChannelsPair();
  const [sender, receiver] = accepted(pair);
  let given = 0;
  const drain = (): void => {
    while (pair.forth(Infinity));
    for (const answer of pair.answers) if (answer.type === "credit") given += answer.count;
    while (pair.back());
  };
  for (let round = 0; round < 40; round++) {
    void sender.send(new Uint8Array(100_000));
    drain();
    receiver.take();
    drain();
  }
  const size = encode(new Uint8Array(100_000)).length;
  // Credit that is not yet worth a message stays owed: less than an eighth of the window.
  assert(40 * size - given < WINDOW_BYTES / 8 && given <= 40 * size);
});

Deno.test("a full channel holds up no other one, and neither does a large value", async () => {
  const pair = new ChannelsPair();
  const [stuck] = accepted(pair, "stuck");
  const large = stuck.send(new Uint8Array(5_000_000)).catch(() => {});
  void large;
  while (stuck.room) void stuck.send(1);
  pair.settle();
  const [sender, receiver] = accepted(pair, "free");
  for (let index = 0; index < 1_000; index++) {
    await sender.send(index);
    if (index % 100 === 0) void sender.send(new Uint8Array(2_000_000));
    pair.settle();
    assertEquals(receiver.take(), index);
    pair.settle();
    if (index % 100 === 0) assertEquals((receiver.take() as Uint8Array).length, 2_000_000);
  }
});

Deno.test("large values take turns, and whatever else is sent waits for one piece at most", () => {
  const pair = new ChannelsPair();
  const channels = ["a", "b", "c"].map((name) => accepted(pair, name));
  for (const [sender] of channels) void sender.send(new Uint8Array(50_000_000));
  const [small, receiver] = accepted(pair, "small");
  const arrived = channels.map(() => 0);
  let worst = 0;
  for (let round = 0; round < 60; round++) {
    const unwritten = pair.outbox.unwritten;
    void small.send(round);
    worst = Math.max(worst, unwritten);
    for (let bytes = 0; receiver.next() !== "value";) {
      const before = pair.outbox.written;
      assert(pair.forth(Infinity));
      bytes += pair.outbox.written - before;
      assert(bytes <= 2 * MAX_PIECE_BYTES, `${bytes} bytes before a small value`);
    }
    assertEquals(receiver.take(), round);
    while (pair.back());
    for (const [index, [sender]] of channels.entries()) {
      arrived[index] = 50_000_000 - (sender.waiting()?.bytes ?? 0);
    }
  }
  assert(worst <= MAX_PIECE_BYTES + 1_000, `${worst} bytes in the outbox`);
  const [least, most] = [Math.min(...arrived), Math.max(...arrived)];
  assert(least > 10_000_000, `${arrived}`);
  assert(most - least <= 2 * MAX_PIECE_BYTES, `${arrived}`);
});

Deno.test("buffers that serve again change no value that was received, and none that is on its way", () => {
  const pair = new ChannelsPair();
  const [sender, receiver] = accepted(pair);
  const received: Uint8Array[] = [];
  for (let round = 0; round < 40; round++) {
    const size = [70_000, 1_000_000, 300_000, 2_500_000, 40_000][round % 5]!;
    void sender.send(new Uint8Array(size).fill(round));
    // At times many are in flight, and at times they are received one by one.
    if (round % 10 > 6) continue;
    for (pair.settle(); receiver.next() === "value"; pair.settle()) {
      received.push(receiver.take() as Uint8Array);
    }
  }
  for (pair.settle(); receiver.next() === "value"; pair.settle()) {
    received.push(receiver.take() as Uint8Array);
  }
  assertEquals(received.length, 40);
  for (const [index, bytes] of received.entries()) {
    assert(bytes.every((byte) => byte === index), `value ${index}`);
  }
});

Deno.test("a channel holds at most a window and one value", () => {
  const pair = new ChannelsPair();
  const [sender] = accepted(pair);
  for (let count = 0; count < 5; count++) {
    void sender.send(new Uint8Array(3_000_000)).catch(() => {});
  }
  pair.settle();
  // The first one has arrived, and the beginning of the second.
  const { end } = pair.outbox;
  assert(end > 3_000_000 + WINDOW_BYTES && end < 3_000_000 + WINDOW_BYTES + 2 * MAX_PIECE_BYTES);
});

Deno.test("of channels without a Receiver so many are opened, and one more fails once that is certain", async () => {
  const pair = new ChannelsPair();
  const senders: OutChannel[] = [];
  for (let count = 0; count < MAX_UNRECEIVED_CHANNELS; count++) {
    const sender = pair.sending.open(`name ${count}`);
    senders.push(sender);
    void sender.send(count);
  }
  const refused = pair.sending.open("one more");
  const sends = [refused.send("taken"), refused.send("by nobody")];
  const ended = refused.end();
  pair.settle();
  for (const send of sends) await assertRejects(() => send, Error, "crowded");
  await ended;
  assertEquals([...pair.sending.all()], senders);
  assertEquals(pair.sending.waiting, false);
  // One Receiver makes room for one more.
  const receiver = pair.receiving.receive("name 7");
  const more = pair.sending.open("one more");
  const sent = more.send("more");
  pair.settle();
  await sent;
  assertEquals(receiver.take(), 7);
  assertEquals(pair.receiving.receive("one more").take(), "more");
});

Deno.test("a channel over the limit of those without a Receiver is stopped", () => {
  const pair = new ChannelsPair();
  for (let number = 0; number <= MAX_UNRECEIVED_CHANNELS; number++) {
    pair.receiving.open(number, `${number}`);
  }
  assertEquals(pair.answers, [{ type: "stop", number: MAX_UNRECEIVED_CHANNELS, reason: 1 }]);
});

Deno.test("what is held of a process that its node does not know is dropped, except for what a Receiver has", () => {
  const pair = new ChannelsPair();
  for (let count = 0; count < 384; count++) {
    void pair.sending.open(`name ${count}`).send(new Uint8Array(FIRST_WINDOW_BYTES / 2));
  }
  pair.settle();
  const receiver = pair.receiving.receive("name 7");
  assertEquals([...pair.receiving.received()].length, 384);
  pair.receiving.drop();
  assertEquals([...pair.receiving.received()], [receiver]);
  assertEquals((receiver.take() as Uint8Array).length, FIRST_WINDOW_BYTES / 2);
});

Deno.test("a Receiver that was closed before its channel came stops that channel, and no other one", () => {
  const pair = new ChannelsPair();
  for (let count = 0; count < 3; count++) pair.receiving.close(pair.receiving.receive("a"));
  const fourth = pair.receiving.receive("a");
  for (let count = 0; count < 4; count++) {
    const sender = pair.sending.open("a");
    void sender.send(count).catch(() => {});
    pair.settle();
    assertEquals(sender.failure()?.message, count < 3 ? "stopped: 0" : undefined);
    void sender.end();
    pair.sending.close(sender);
  }
  pair.settle();
  assertEquals([fourth.take(), fourth.next()], [3, "end"]);
  pair.receiving.close(fourth);
  assertEquals(pair.receiving.empty, true);
  assertEquals([...pair.sending.all()], []);
});

Deno.test("a channel says that there is something to write after a value in pieces was cancelled", async () => {
  for (const how of ["stop", "leave"]) {
    const pair = new ChannelsPair();
    const [sender] = accepted(pair);
    let leave = () => false;
    const sent = sender.send(new Uint8Array(5_000_000), (place) => {
      leave = () => place.leave();
    });
    while (pair.forth(Infinity));
    const before = pair.kicks;
    if (how === "leave") assertEquals(leave(), true);
    else sender.stop(() => new Error("stopped"));
    assertEquals(pair.kicks > before, true, how);
    assertEquals(Array.from(pair.outbox.next()!), [FrameType.cancel, 0, 0, 0]);
    if (how === "stop") await assertRejects(() => sent, Error, "stopped");
    assertEquals(leave(), false);
    assertEquals(pair.hold.count, 0);
  }
});

Deno.test("offer() sends in its turn, also if other places are left for it", async () => {
  const pair = new ChannelsPair();
  const [sender, receiver] = accepted(pair);
  while (sender.room) void sender.send(new Uint8Array(10_000));
  // Like select: of two offers, one is taken, and the other one leaves, before anything is sent.
  const order: string[] = [];
  const first = sender.offer(() => {
    second.leave();
    assert(sender.room, "the room is still there");
    sender.put("offered");
    order.push("offered");
  });
  const second = sender.offer(() => order.push("never"));
  const last = sender.send("waits").then(() => order.push("waits"));
  pair.settle();
  const received: unknown[] = [];
  while (receiver.next() === "value") {
    const value = receiver.take();
    if (typeof value === "string") received.push(value);
    pair.settle();
  }
  await last;
  assertEquals(received, ["offered", "waits"]);
  assertEquals(order, ["offered", "waits"]);
  assertEquals(first.leave(), false);
});

Deno.test("end() notifies the offers of its channel at once", () => {
  const pair = new ChannelsPair();
  const sender = pair.sending.open("");
  while (sender.room) void sender.send(new Uint8Array(10_000));
  let told = 0;
  sender.offer(() => told++);
  void sender.end();
  assertEquals(told, 1);
});

Deno.test("an end that is held back is written when it is released, and never if it is dropped", () => {
  for (const how of ["release", "drop"] as const) {
    const pair = new ChannelsPair();
    const [sender, receiver] = accepted(pair);
    void sender.send(1);
    void sender.end(true);
    pair.settle();
    assertEquals([receiver.take(), receiver.next()], [1, "nothing"]);
    assertEquals(pair.sending.waiting, true);
    assertEquals(pair.sending.save().waiting, [], "no will has it");
    sender[how]();
    pair.settle();
    assertEquals(receiver.next(), how === "release" ? "end" : "nothing");
    assertEquals(pair.sending.waiting, false);
  }
});

Deno.test("abort() replaces queued values, and follows taken ones", async () => {
  const pair = new ChannelsPair();
  const [sender, receiver] = accepted(pair);
  await sender.send(1);
  const waiting = [sender.send(new Uint8Array(5_000_000)), sender.send(2)];
  const closing = sender.end();
  while (pair.forth(Infinity));
  sender.abort(encode("why"), () => new Error("aborted"));
  for (const send of waiting) await assertRejects(() => send, Error, "aborted");
  await closing;
  pair.settle();
  assertEquals([receiver.take(), receiver.next()], [1, "end"]);
  assertEquals(receiver.end?.kind, "aborted");
  assertEquals([pair.hold.count, pair.sending.waiting], [0, false]);
});

Deno.test("save() and restore() keep which channel each value belongs to", () => {
  const pair = new ChannelsPair();
  const first = pair.sending.open("first");
  while (first.room) void first.send(new Uint8Array(10_000));
  void first.send("one").catch(() => {});
  void first.end();
  const second = pair.sending.open("second");
  while (second.room) void second.send(new Uint8Array(10_000));
  void second.send("two");
  pair.sending.open("third"); // nothing is queued
  const saved = pair.sending.save();
  assertEquals([saved.opened, saved.current], [3, 2]);
  assertEquals(
    saved.waiting.map(({ number, entries }) => [number, entries.map(({ rest }) => rest !== null)]),
    [[0, [true, false]], [1, [true]]],
  );
  const heir = new ChannelsPair();
  const waiting = saved.waiting.map(({ entries, ...channel }) => ({
    ...channel,
    left: new LeftEntries(entries.map(({ rest, begun }) => ({
      rest: rest && new StoredPart(memoryBytes(rest), 0, rest.length),
      begun,
    }))),
  }));
  heir.sending.restore({ ...saved, waiting });
  assertEquals(heir.sending.waiting, true);
  heir.sending.stop(0, 0, () => new Error("stopped"));
  assertEquals([...heir.sending.all()].map(({ number }) => number), [1], "the end went out");
  assertEquals(heir.sending.waiting, true);
  heir.sending.stop(1, 0, () => new Error("stopped"));
  assertEquals(heir.sending.waiting, false, "there was no end");
});

Deno.test("a sending side refuses impossible answers", () => {
  const { sending } = new ChannelsPair();
  const none = () => new Error();
  for (const number of [0, 1, 2 ** 32 - 1]) {
    assertThrows(
      () => sending.credit(number, 1),
      ProtocolError,
      `for channel ${number}; channels opened: 0`,
    );
    assertThrows(
      () => sending.accept(number),
      ProtocolError,
      `for channel ${number}; channels opened: 0`,
    );
    assertThrows(
      () => sending.stop(number, 0, none),
      ProtocolError,
      `for channel ${number}; channels opened: 0`,
    );
  }
  sending.open("");
  assertThrows(() => sending.credit(0, 1), ProtocolError, "a credit of 1 bytes for channel 0");
  assertThrows(() => sending.stop(0, 2, none), ProtocolError, "a stop for unknown reason 2");
  sending.accept(0);
  assertThrows(() => sending.accept(0), ProtocolError, "channel 0 was accepted twice");
});

Deno.test("a receiving side refuses impossible channels", () => {
  const channels = () =>
    new InChannels("a peer", new Unclaimed<string>(), { accept() {}, stop() {}, credit() {} });
  assertThrows(() => channels().current, ProtocolError, "a frame before any channel");
  assertThrows(
    () => channels().finish({ kind: "closed" }),
    ProtocolError,
    "an end before any channel",
  );
  assertThrows(
    () => channels().select(0),
    ProtocolError,
    "channel 0 is selected; channels opened: 0",
  );
  assertThrows(
    () => channels().open(1, ""),
    ProtocolError,
    "channel 1 is opened; the next one is 0",
  );
  const one = channels();
  one.open(0, "");
  assertThrows(() => one.open(0, ""), ProtocolError, "channel 0 is opened; the next one is 1");
  assertThrows(() => one.select(1), ProtocolError, "channel 1 is selected; channels opened: 1");
  one.finish({ kind: "closed" });
  assertThrows(() => one.finish({ kind: "closed" }), ProtocolError, "ended twice");
  assertThrows(() => one.select(0), ProtocolError, "channel 0 is selected after its end");
});

Deno.test("a receiving channel refuses impossible values", () => {
  const channel = (isAccepted = true): InChannel => {
    const made = new InChannel("", isAccepted ? undefined : 0, () => {});
    made.arrive(0);
    return made;
  };
  const piece = (queue: InChannel, length: number): void => {
    queue.pieceTarget(0, length);
    queue.piece(length, true);
  };
  const layout = { length: 10, bufferStart: 0, bufferSize: 0 };
  const within = channel();
  within.begin(layout);
  piece(within, 4);
  const value = new Uint8Array(HEADER_BYTES + 1);
  assertThrows(() => within.value(value, 0, 5), ProtocolError, "inside another value");
  assertThrows(() => within.begin(layout), ProtocolError, "inside another value");
  assertThrows(() => within.pieceTarget(0, 7), ProtocolError, "beyond the end of its value");
  const again = channel();
  again.begin(layout);
  again.begin(layout);
  assertThrows(() => again.begin({ ...layout, length: 11 }), ProtocolError, "inside another value");
  assertThrows(() => channel().pieceTarget(0, 1), ProtocolError, "a piece without a value");
  assertThrows(
    () => channel(false).begin({ ...layout, length: FIRST_WINDOW_BYTES + 1 }),
    ProtocolError,
    "for which there is no Receiver",
  );
  for (const [isAccepted, window] of [[true, WINDOW_BYTES], [false, FIRST_WINDOW_BYTES]] as const) {
    const flooded = channel(isAccepted);
    const frame = new Uint8Array(HEADER_BYTES + MAX_VALUE_BYTES);
    assertThrows(
      () => {
        for (let count = 0; count < 100; count++) flooded.value(frame, 0, frame.length);
      },
      ProtocolError,
      `the window is ${window}`,
    );
  }
});
