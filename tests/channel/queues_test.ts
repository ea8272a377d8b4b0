/** The two halves of a pair of processes, against a model of what goes from one to the other. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { FrameReader } from "../../src/channel/frame_reader.ts";
import { Hold } from "../../src/channel/hold.ts";
import { Outbox } from "../../src/channel/outbox.ts";
import { ReceiveQueue } from "../../src/channel/receive_queue.ts";
import { SendQueue } from "../../src/channel/send_queue.ts";
import {
  FrameType,
  HEADER_BYTES,
  MAX_PIECE_BYTES,
  MAX_VALUE_BYTES,
  WINDOW_BYTES,
} from "../../src/wire/frame.ts";
import { ProtocolError } from "../../src/core/protocol_error.ts";
import { encode } from "../../src/codec/value_encoder.ts";
import { forSeeds, type Random } from "./random.ts";

/** A SendQueue and the ReceiveQueue that it sends to, with nothing but a stream in between. */
class Pair {
  readonly outbox = new Outbox();
  readonly hold = new Hold({ ref() {}, unref() {} });
  readonly sending = new SendQueue(this.outbox, this.hold, () => this.kicks++);
  readonly receiving = new ReceiveQueue((bytes) => this.credits.push(bytes));
  /** How often the sender said that it has something to write. */
  kicks = 0;
  /** Credit and stops that are on their way back. */
  readonly credits: number[] = [];
  readonly stops: number[] = [];
  /** The sum of what was given out, and of what came back. */
  readonly #reader = new FrameReader({
    value: (bytes, start, end) => this.receiving.value(bytes, start, end),
    begin: (layout) => this.receiving.begin(layout),
    pieceTarget: (filled, left) => this.receiving.pieceTarget(filled, left),
    piece: (filled, whole) => this.receiving.piece(filled, whole),
    control: (type) => {
      if (type === FrameType.cancel) this.receiving.cancel();
      else if (type === FrameType.end) this.receiving.end();
      else throw new Error(`a frame of type ${type}`);
    },
  }, 0);

  /** Moves up to so many bytes to the receiver; tells whether there were any. */
  forth(atMost: number): boolean {
    const bytes = this.outbox.next();
    if (bytes === undefined) return false;
    const target = this.#reader.target();
    const count = Math.min(atMost, bytes.length, target.length);
    target.set(bytes.subarray(0, count));
    this.outbox.wrote(count);
    this.#reader.advance(count);
    this.outbox.ack(this.#reader.offset);
    return true;
  }

  /** Moves one message back to the sender; tells whether there was one. */
  back(): boolean {
    const credit = this.credits.shift();
    if (credit !== undefined) this.sending.credit(credit);
    const stop = this.stops.shift();
    if (stop !== undefined) this.sending.stop(stop, () => new Error("stopped"));
    return credit !== undefined || stop !== undefined;
  }

  settle(): void {
    while (this.forth(Infinity) || this.back());
  }
}

/** A value that takes about so many bytes, and that tells its number. */
function valueOf(number: number, bytes: number): unknown {
  return bytes < 16 ? number : { number, rest: new Uint8Array(bytes - 16) };
}

function numberOf(value: unknown): number {
  return typeof value === "number" ? value : (value as { number: number }).number;
}

interface Model {
  /** Numbers of the values of each channel, in the order of their sends. */
  sent: number[][];
  received: number[][];
}

const sizes = (random: Random): number =>
  random.pick([1, 1, 40, 2_000, MAX_VALUE_BYTES, 40_000, 300_000, 1_500_000]);

Deno.test("values go from a SendQueue to a ReceiveQueue once and in order, whatever happens", async () => {
  await forSeeds(60, async (random) => {
    const pair = new Pair();
    const { sending, receiving } = pair;
    const model: Model = { sent: [], received: [] };
    let sender = -1;
    let receiver = -1;
    let open = false;
    let number = 0;
    /** Channels of which the receiver was closed before all came. */
    const stopped = new Set<number>();
    const aborted = new Set<number>();
    const places: { number: number; leave: () => boolean }[] = [];
    let waiting = 0;
    for (let step = 0; step < 400; step++) {
      const action = random.next();
      if (action < 0.03) {
        if (sender >= 0) void sending.end(sender);
        sender = sending.open();
        model.sent[sender] = [];
      } else if (action < 0.4 && sender >= 0 && waiting < 20 && !sending.stopped(sender)) {
        const own = number++;
        const channel = sender;
        model.sent[channel]!.push(own);
        const sent = sending.send(channel, valueOf(own, sizes(random)), (place) => {
          waiting++;
          places.push({ number: own, leave: () => place.leave() });
        });
        sent.then(() => {}, (error) => {
          assertEquals(error.message, "stopped");
          assert(stopped.has(channel), "only a closed receiver makes a send fail");
        }).finally(() => {
          const index = places.findIndex((place) => place.number === own);
          if (index >= 0) places.splice(index, 1);
          if (index >= 0) waiting--;
        });
      } else if (action < 0.44 && places.length > 0) {
        const place = random.pick(places);
        if (place.leave()) {
          aborted.add(place.number);
          places.splice(places.indexOf(place), 1);
          waiting--;
        }
      } else if (action < 0.47) {
        if (open && random.chance(0.7)) continue;
        if (open) {
          stopped.add(receiver);
          if (!receiving.ended(receiver)) pair.stops.push(receiver);
          receiving.close(receiver);
        }
        receiver = receiving.open();
        model.received[receiver] = [];
        open = true;
      } else if (action < 0.7) {
        pair.forth(random.pick([1, 100, 70_000, Infinity]));
      } else if (action < 0.75) {
        pair.back();
      } else if (open && receiving.next(receiver) === "value") {
        model.received[receiver]!.push(numberOf(receiving.take()));
      }
      if (step % 20 === 0) await null;
    }
    // Everything that is left comes, and everyone who waits is told.
    for (let channel = 0; channel <= sender; channel++) {
      if (channel > receiver) {
        receiver = receiving.open();
        model.received[receiver] = [];
        open = true;
      }
      if (channel === sender) void sending.end(sender);
      if (channel < receiver) continue;
      for (;;) {
        pair.settle();
        const next = receiving.next(channel);
        if (next !== "value") break;
        model.received[channel]!.push(numberOf(receiving.take()));
      }
      assertEquals(receiving.next(channel), "end", `channel ${channel} has ended`);
      receiving.close(channel);
    }
    await null;
    pair.settle();
    for (const [channel, sent] of model.sent.entries()) {
      const expected = sent.filter((own) => !aborted.has(own));
      const received = model.received[channel] ?? [];
      // What was dropped was at the end: a receiver that was closed has a beginning of the values.
      const length = stopped.has(channel) ? received.length : expected.length;
      assertEquals(received, expected.slice(0, length), `channel ${channel}`);
    }
    assertEquals(sending.waiting, false, "nothing stands in line");
    assertEquals(pair.outbox.unwritten, 0);
    await new Promise((resolve) => setTimeout(resolve));
    assertEquals(pair.hold.count, 0, "nothing is held");
    assert(sending.room || sender < 0, "the window is open again");
  });
});

Deno.test("SendQueue takes values while the window has room, and one that may exceed it", async () => {
  const { sending, outbox, hold } = new Pair();
  const channel = sending.open();
  const value = new Uint8Array(1_000);
  const size = HEADER_BYTES + encode(value).length;
  const fits = Math.ceil(WINDOW_BYTES / size);
  for (let count = 0; count < fits; count++) {
    assert(sending.room);
    await sending.send(channel, value);
  }
  assert(!sending.room);
  assertEquals(outbox.end, fits * size);
  let resolved = false;
  const waits = sending.send(channel, value).then(() => resolved = true);
  assertEquals(hold.count, 1);
  sending.credit(fits * size - WINDOW_BYTES);
  await null;
  assert(!resolved, "the window is exactly full");
  sending.credit(1);
  await waits;
  assertEquals(hold.count, 0);
  assert(!sending.room);
});

Deno.test("ReceiveQueue gives back all the credit of what was read, dropped or cancelled", () => {
  const pair = new Pair();
  const channel = pair.sending.open();
  let given = 0;
  const drain = (): void => {
    while (pair.forth(Infinity));
    given += pair.credits.reduce((sum, credit) => sum + credit, 0);
    while (pair.back());
  };
  pair.receiving.open();
  for (let round = 0; round < 40; round++) {
    void pair.sending.send(channel, new Uint8Array(100_000));
    drain();
    pair.receiving.take();
    drain();
  }
  const size = encode(new Uint8Array(100_000)).length;
  // What is not yet worth a message stays owed, and is less than an eighth of the window.
  assert(40 * size - given < WINDOW_BYTES / 8 && given <= 40 * size);
});

Deno.test("a value larger than the window passes an unread channel once that is closed", () => {
  for (const unread of [0, 1, 100]) {
    const pair = new Pair();
    const first = pair.sending.open();
    for (let count = 0; count < unread; count++) void pair.sending.send(first, count);
    void pair.sending.end(first);
    const second = pair.sending.open();
    void pair.sending.send(second, new Uint8Array(5_000_000));
    pair.settle();
    const one = pair.receiving.open();
    assertEquals(pair.receiving.ended(one), true);
    pair.receiving.close(one);
    const two = pair.receiving.open();
    pair.settle();
    assertEquals(pair.receiving.next(two), "value", `${unread} unread values`);
    assertEquals((pair.receiving.take() as Uint8Array).length, 5_000_000);
  }
});

Deno.test("buffers that serve again change no value that was received, and none that is on its way", () => {
  const pair = new Pair();
  const channel = pair.sending.open();
  pair.receiving.open();
  const received: Uint8Array[] = [];
  for (let round = 0; round < 40; round++) {
    const size = [70_000, 1_000_000, 300_000, 2_500_000, 40_000][round % 5]!;
    void pair.sending.send(channel, new Uint8Array(size).fill(round));
    // At times many are on their way, and at times they are received one by one.
    if (round % 10 > 6) continue;
    for (pair.settle(); pair.receiving.next(0) === "value"; pair.settle()) {
      received.push(pair.receiving.take() as Uint8Array);
    }
  }
  for (pair.settle(); pair.receiving.next(0) === "value"; pair.settle()) {
    received.push(pair.receiving.take() as Uint8Array);
  }
  assertEquals(received.length, 40);
  for (const [index, bytes] of received.entries()) {
    assert(bytes.every((byte) => byte === index), `value ${index}`);
  }
});

Deno.test("ReceiveQueue holds a window and one value, and no more", () => {
  const pair = new Pair();
  const channel = pair.sending.open();
  for (let count = 0; count < 5; count++) {
    void pair.sending.send(channel, new Uint8Array(3_000_000)).catch(() => {});
  }
  pair.settle();
  // The first one is here, and the beginning of the second.
  const { end } = pair.outbox;
  assert(end > 3_000_000 + WINDOW_BYTES && end < 3_000_000 + WINDOW_BYTES + 2 * MAX_PIECE_BYTES);
});

Deno.test("ReceiveQueue holds channels that were opened and closed again as one", () => {
  const pair = new Pair();
  for (let count = 0; count < 10_000; count++) void pair.sending.end(pair.sending.open());
  pair.settle();
  for (let channel = 0; channel < 10_000; channel++) {
    assertEquals(pair.receiving.open(), channel);
    assertEquals(pair.receiving.next(channel), "end");
    assertEquals(pair.receiving.empty, false);
    pair.receiving.close(channel);
  }
  assertEquals(pair.receiving.empty, true);
  pair.receiving.open();
  assertEquals(pair.receiving.next(10_000), "nothing");
});

Deno.test("SendQueue says that there is something to write after a value in pieces was cancelled", async () => {
  for (const how of ["stop", "leave"]) {
    const pair = new Pair();
    const channel = pair.sending.open();
    let leave = () => false;
    const sent = pair.sending.send(channel, new Uint8Array(5_000_000), (place) => {
      leave = () => place.leave();
    });
    while (pair.forth(Infinity));
    const before = pair.kicks;
    if (how === "leave") assertEquals(leave(), true);
    else pair.sending.stop(channel, () => new Error("stopped"));
    assertEquals(pair.kicks > before, true, how);
    assertEquals(Array.from(pair.outbox.next()!), [FrameType.cancel, 0, 0, 0]);
    if (how === "stop") await assertRejects(() => sent, Error, "stopped");
    assertEquals(leave(), false);
    assertEquals(pair.hold.count, 0);
  }
});

Deno.test("SendQueue.offer() sends in its turn, also if other places are left for it", async () => {
  const pair = new Pair();
  const channel = pair.sending.open();
  while (pair.sending.room) void pair.sending.send(channel, new Uint8Array(10_000));
  // As select does it: of two offers one is taken, and the other one left, before it is sent.
  const order: string[] = [];
  const first = pair.sending.offer(channel, () => {
    second.leave();
    assert(pair.sending.room, "the room is still there");
    void pair.sending.send(channel, "offered");
    order.push("offered");
  });
  const second = pair.sending.offer(channel, () => order.push("never"));
  const last = pair.sending.send(channel, "waits").then(() => order.push("waits"));
  pair.settle();
  pair.receiving.open();
  const received: unknown[] = [];
  while (pair.receiving.next(0) === "value") {
    const value = pair.receiving.take();
    if (typeof value === "string") received.push(value);
    pair.settle();
  }
  await last;
  assertEquals(received, ["offered", "waits"]);
  assertEquals(order, ["offered", "waits"]);
  assertEquals(first.leave(), false);
});

Deno.test("SendQueue.end() tells the offers of its channel at once", () => {
  const pair = new Pair();
  const channel = pair.sending.open();
  while (pair.sending.room) void pair.sending.send(channel, new Uint8Array(10_000));
  let told = 0;
  pair.sending.offer(channel, () => told++);
  void pair.sending.end(channel);
  assertEquals(told, 1);
});

Deno.test("SendQueue.save() and restore() keep which channel each value belongs to", () => {
  const pair = new Pair();
  const first = pair.sending.open();
  while (pair.sending.room) void pair.sending.send(first, new Uint8Array(10_000));
  void pair.sending.send(first, "one").catch(() => {});
  void pair.sending.end(first);
  const second = pair.sending.open();
  void pair.sending.send(second, "two");
  const saved = pair.sending.save();
  assertEquals(saved.entries.map(({ channel, rest }) => [channel, rest !== null]), [
    [0, true],
    [0, false],
    [1, true],
  ]);
  const heir = new Pair();
  heir.sending.restore(saved);
  heir.sending.stop(first, () => new Error("stopped"));
  assertEquals(
    heir.sending.save().entries,
    saved.entries.slice(2),
    "the end went out, the value is still in line",
  );
});

Deno.test("the queues refuse what cannot be", () => {
  const header = HEADER_BYTES;
  const { sending } = new Pair();
  assertThrows(() => sending.credit(1), ProtocolError, "a credit of 1 bytes, where 0 are out");
  const piece = (queue: ReceiveQueue, length: number): void => {
    queue.pieceTarget(0, length);
    queue.piece(length, true);
  };
  const layout = { length: 10, bufferStart: 0, bufferSize: 0 };
  const within = new ReceiveQueue(() => {});
  within.begin(layout);
  piece(within, 4);
  const value = new Uint8Array(header + 1);
  assertThrows(() => within.value(value, 0, header + 1), ProtocolError, "within another one");
  assertThrows(() => within.begin(layout), ProtocolError, "within another one");
  assertThrows(() => within.pieceTarget(0, 7), ProtocolError, "beyond its value's end");
  const again = new ReceiveQueue(() => {});
  again.begin(layout);
  again.begin(layout);
  assertThrows(() => again.begin({ ...layout, length: 11 }), ProtocolError, "within another one");
  assertThrows(
    () => new ReceiveQueue(() => {}).pieceTarget(0, 1),
    ProtocolError,
    "a piece of no value",
  );
  const flooded = new ReceiveQueue(() => {});
  const frame = new Uint8Array(header + MAX_VALUE_BYTES);
  assertThrows(
    () => {
      for (let count = 0; count < 100; count++) flooded.value(frame, 0, frame.length);
    },
    ProtocolError,
    "where the window is 1048576",
  );
});
