/** Wills: what a process could not deliver before it ended, and its node delivers in its name. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Verdict } from "../../src/channel/greeting.ts";
import { deliverWill, type DeliveryContext } from "../../src/channel/will.ts";
import type { SavedPeer } from "../../src/channel/saved_peer.ts";
import type { StoredPeer } from "../../src/channel/stored_peer.ts";
import { encodeWill, type Will } from "../../src/channel/will_format.ts";
import { memoryBytes, readWill } from "../../src/channel/will_reader.ts";
import type { StoredBytes } from "../../src/core/stored_bytes.ts";
import { TimedGate } from "../../src/core/timed_gate.ts";
import type { Sender } from "../../src/channel/sender.ts";
import { ChannelError, ProtocolError } from "../../src/core/errors.ts";
import { decode } from "../../src/codec/value_decoder.ts";
import { encode } from "../../src/codec/value_encoder.ts";
import { makePid, randomId } from "../../src/core/pid.ts";
import { EVERY_TRANSPORT, test, type TestProcess, TestRun, turns, until } from "./pair.ts";
import { forSeeds } from "./random.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Ends a process as `Deno.exit` does: at once, with the undelivered values in its will. */
function die(process: TestProcess, ...others: TestProcess[]): StoredBytes | undefined {
  const will = stored(process.hub.writeWill(0));
  process.relay!.close();
  for (const other of others) process.hub.peer(other.pid).abandon();
  return will;
}

/** A will as a node finds it. */
function stored(parts: readonly Bytes[] | undefined): StoredBytes | undefined {
  return parts === undefined ? undefined : memoryBytes(joined(parts));
}

function joined(parts: readonly Bytes[]): Bytes {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Delivers a will, and then reports the end of its process, as a node does. */
async function deliver(
  run: TestRun,
  process: TestProcess,
  will: StoredBytes,
  { signal = new AbortController().signal, ...more }: Partial<DeliveryContext> = {},
): Promise<void> {
  const status = { code: 0 };
  await deliverWill(will, {
    key: run.key,
    protection: run.newProtection(),
    sockets: run.sockets,
    status,
    signal,
    ended: (pid) => run.ended(pid),
    ...more,
  });
  run.end(process, status);
}

/** Sends values that may not be taken before the process has ended, on `sender` or a new one; gives that. */
function sendAll(
  process: TestProcess,
  to: TestProcess,
  values: readonly unknown[],
  sender: Sender<unknown> = process.sender<unknown>(to),
): Sender<unknown> {
  for (const value of values) sender.send(value).catch(() => {});
  return sender;
}

function summary(value: unknown): unknown {
  return value instanceof Uint8Array ? `${value.length} × ${value[0]}` : value;
}

test("a will is empty when everything was acknowledged", async () => {
  using run = new TestRun();
  const [one, two] = [run.process({ relayed: true }), run.process()];
  assertEquals(one.hub.writeWill(0), undefined);
  one.hub.resume();
  const sender = one.sender<number>(two);
  await sender.send(1);
  await until(() => !one.hub.peer(two.pid).unfinished, "an acknowledgement");
  assertEquals(one.hub.writeWill(0), undefined);
  one.hub.resume();
  await sender.close();
  assertEquals(one.hub.writeWill(0), undefined);
});

test("a will is delivered once and in order, whenever its process ended and however slow its reader", async () => {
  const contents: [string, unknown[]][] = [
    ["one small value", ["hello"]],
    ["many small values", Array.from({ length: 3_000 }, (_, index) => index)],
    ["more than a window", Array.from({ length: 40 }, (_, n) => new Uint8Array(60_000).fill(n))],
    ["larger than a window", [1, new Uint8Array(5_000_000).fill(2), 3, new Uint8Array(2_000_000)]],
  ];
  for (const [name, values] of contents) {
    for (const wait of [0, 1, 3, 10, 40]) {
      using run = new TestRun();
      const [one, two] = [run.process({ relayed: true }), run.process()];
      // Without and with a Receiver before the process has ended.
      const early = wait % 2 === 0 ? two.receiver<unknown>(one) : undefined;
      sendAll(one, two, values);
      await turns(wait);
      const will = die(one, two);
      const delivered = will === undefined ? run.end(one, { code: 0 }) : deliver(run, one, will);
      const receiver = early ?? two.receiver<unknown>(one);
      await turns(5);
      const received: unknown[] = [];
      for await (const value of receiver) {
        received.push(summary(value));
        if (received.length < 50) await turns(1);
      }
      assertEquals(received, values.map(summary), `${name}, ended after ${wait} turns`);
      await delivered;
      await receiver.close();
    }
  }
});

test("a will is delivered over connections that break, also those before it", async () => {
  await forSeeds(8, async (random) => {
    using run = new TestRun();
    const [one, two] = [run.process({ relayed: true }), run.process({ relayed: true })];
    two.relay!.fate = () => ({
      cutAfter: two.relay!.accepted > 6 ? Infinity : random.integer(1, 800_000),
    });
    const values = Array.from({ length: 60 }, (_, number) => [
      number,
      new Uint8Array(random.pick([1, 100, 30_000, 400_000, random.chance(0.1) ? 2_000_000 : 1])),
    ]);
    const receiver = two.receiver<[number, Bytes]>(one);
    sendAll(one, two, values);
    const first: number[] = [];
    for (let count = random.integer(0, 20); count > 0; count--) {
      first.push((await receiver.recv())[0]);
    }
    const will = die(one, two);
    assert(will !== undefined);
    const delivered = deliver(run, one, will);
    for await (const [number] of receiver) first.push(number);
    assertEquals(first, Array.from({ length: 60 }, (_, number) => number));
    await delivered;
  });
}, EVERY_TRANSPORT);

test("a will is delivered to a process that is sending to the dead one", async () => {
  for (const wait of [0, 2, 5, 10, 20]) {
    using run = new TestRun();
    const [one, two] = [run.process({ relayed: true }), run.process()];
    const receiver = one.receiver<Bytes>(two);
    // It is in the middle of a value whose end the process never sends.
    const back = two.sender<Bytes>(one);
    const refused = Array.from({ length: 4 }, () => back.send(new Uint8Array(3_000_000)));
    for (const send of refused) send.catch(() => {});
    const waits = receiver.recv().catch(() => {});
    await turns(wait);
    sendAll(one, two, [1, new Uint8Array(2_000_000), 3]);
    await turns(wait);
    const will = die(one, two);
    assert(will !== undefined);
    const delivered = deliver(run, one, will);
    const received: unknown[] = [];
    for await (const value of two.receiver<unknown>(one)) received.push(summary(value));
    assertEquals(received, [1, "2000000 × 0", 3]);
    await delivered;
    await waits;
    const error = await assertRejects(() => back.send(new Uint8Array(1)), ChannelError);
    assertEquals(error.kind, "exited");
  }
}, EVERY_TRANSPORT);

test("a will is delivered although the process had dialled before it was connected", async () => {
  using run = new TestRun();
  let [one, two] = [run.process({ relayed: true }), run.process({ relayed: true })];
  // Of two connections that are dialled at the same time, the reader's is kept.
  if (one.pid < two.pid) [one, two] = [two, one];
  const receiver = two.receiver<number>(one);
  const sender = one.sender<number>(two);
  await sender.send(1);
  assertEquals(await receiver.recv(), 1);
  await until(() => one.hub.peer(two.pid).traffic > 30, "an accept from the reader");
  for (const value of [2, 3]) await sender.send(value);
  const will = die(one, two);
  assert(will !== undefined);
  const { received } = readWill(will).peers[0]!;
  assert(received > 0);
  // The process had dialled before it received that. The attempt was still under way when the process
  // ended, and is taken now, but nothing more comes of it.
  for (let attempt = 0; attempt < 3; attempt++) {
    let verdict: Verdict;
    do {
      const { conn, reply } = await run.dial(one.pid, two);
      conn.close();
      verdict = reply.verdict;
    } while (verdict === Verdict.crossed); // the reader was just dialling itself
    assertEquals(verdict, Verdict.welcome);
  }
  const delivered = deliver(run, one, will);
  const rest: number[] = [];
  for await (const value of receiver) rest.push(value);
  assertEquals(rest, [2, 3]);
  await delivered;
});

test("a will contains the ends of channels, and a stop drops only the values of its channel", async () => {
  using run = new TestRun();
  const [one, two] = [run.process({ relayed: true }), run.process()];
  const first = two.receiver<Bytes>(one);
  const sender = one.sender<Bytes>(two);
  for (let count = 0; count < 30; count++) sender.send(new Uint8Array(100_000)).catch(() => {});
  void sender.close();
  const other = one.sender<string>(two);
  other.send("of the second channel").catch(() => {});
  void other.close();
  assertEquals((await first.recv()).length, 100_000);
  const will = die(one, two);
  assert(will !== undefined);
  const delivered = deliver(run, one, will);
  await first.close();
  const second = two.receiver<string>(one);
  assertEquals(await second.recv(), "of the second channel");
  const error = await assertRejects(() => second.recv(), ChannelError);
  assertEquals(error.kind, "closed");
  await delivered;
});

test("what a process sends after its will is written waits for the next one, and cuts nothing off", async () => {
  using run = new TestRun();
  const [one, two] = [run.process({ relayed: true }), run.process()];
  const receiver = two.receiver<unknown>(one);
  // More than a window, so that some of it waits in line.
  const values = Array.from({ length: 40 }, (_, number) => new Uint8Array(60_000).fill(number));
  const sender = sendAll(one, two, values);
  assertEquals(summary(await receiver.recv()), "60000 × 0");
  assert(one.hub.writeWill(1) !== undefined);
  const { traffic } = one.hub;
  sendAll(one, two, ["by a listener"], sender);
  one.sender<string>(two, "other").send("by another one").catch(() => {});
  await turns(20);
  const other = two.acceptor<string>("other");
  assertEquals(other.tryAccept(), undefined);
  assert(one.hub.traffic > traffic);
  const will = die(one, two);
  assert(will !== undefined);
  const delivered = deliver(run, one, will);
  for (const value of [...values.slice(1), "by a listener"]) {
    assertEquals(summary(await receiver.recv()), summary(value));
  }
  assertEquals(await (await other.accept()).recv(), "by another one");
  await delivered;
});

test("a process that goes on after its will was written sends what it held back", async () => {
  using run = new TestRun();
  const [one, two] = [run.process({ relayed: true }), run.process()];
  const receiver = two.receiver<unknown>(one);
  const sender = sendAll(one, two, ["before"]);
  assert(one.hub.writeWill(1) !== undefined);
  sendAll(one, two, ["after"], sender);
  one.hub.resume();
  assertEquals([await receiver.recv(), await receiver.recv()], ["before", "after"]);
});

test("deliverWill() rejects if a receiver that is there refuses the will", async () => {
  using run = new TestRun();
  const [one, two] = [run.process({ relayed: true }), run.process()];
  const receiver = two.receiver<number>(one);
  sendAll(one, two, [1]);
  const bytes = die(one, two);
  assert(bytes !== undefined);
  const will = loaded(bytes);
  // Its stream begins after what the receiver has got.
  const peers = will.peers.map((peer) => ({ ...peer, acked: peer.acked + 1_000 }));
  const changed = stored(encodeWill({ ...will, peers }))!;
  const error = await assertRejects(() => deliver(run, one, changed));
  assert((error as Error).message.includes("has not got all: it resumed in an impossible state"));
  run.end(one, { lost: "its last values" });
  assertEquals((await assertRejects(() => receiver.recv(), ChannelError)).kind, "lost");
});

test("deliverWill() ends when its receivers have ended, or rejects when it is to be given up", async () => {
  for (const how of ["ended", "given up"]) {
    using run = new TestRun();
    const [one, two] = [run.process({ relayed: true }), run.process({ relayed: true })];
    sendAll(one, two, Array.from({ length: 30 }, () => new Uint8Array(100_000)));
    await turns(3);
    const will = die(one, two);
    assert(will !== undefined);
    const controller = new AbortController();
    const delivered = deliver(run, one, will, { signal: controller.signal });
    if (how === "given up") {
      const rejected = assertRejects(() => delivered, Error, "the delivery was abandoned");
      await turns(10);
      controller.abort();
      await rejected;
    } else {
      await turns(10);
      two.relay!.close();
      run.end(two, { signal: "SIGKILL" });
      await delivered;
    }
  }
});

/** All of a will, as the process that wrote it had it. */
function loaded(bytes: StoredBytes): Will {
  const { pid, peers } = readWill(bytes);
  return { pid, peers: peers.map(loadedPeer) };
}

function loadedPeer({ frames, channels, ...peer }: StoredPeer): SavedPeer {
  const waiting = channels.waiting.map(({ left, ...channel }) => ({
    ...channel,
    entries: Array.from(left.entries, ({ rest, begun }) => ({ rest: rest?.read() ?? null, begun })),
  }));
  return { ...peer, frames: frames.read(), channels: { ...channels, waiting } };
}

Deno.test("readWill() gives what encodeWill() was given, whatever is in it", async () => {
  await forSeeds(10, (random) => {
    const bytes = () =>
      new Uint8Array(random.pick([0, 1, 50, 30_000, 40_000, 70_000, 300_000]))
        .fill(random.integer(0, 255));
    const channel = (number: number) => ({
      ...{ number, inFlight: random.integer(0, 9), accepted: random.chance(0.5) },
      entries: Array.from({ length: random.pick([0, 1, 3, 2_000]) }, (_, index) => ({
        rest: index > 10 ? new Uint8Array(index % 9) : random.chance(0.2) ? null : bytes(),
        begun: false,
      })),
    });
    const will = {
      pid: makePid(randomId(), "127.0.0.1", 1),
      peers: Array.from({ length: random.integer(0, 3) }, () => ({
        ...{ remote: makePid(randomId(), "127.0.0.1", 2), acked: random.integer(0, 1e9) },
        ...{ received: random.integer(0, 1e9), frames: bytes() },
        channels: {
          ...{ opened: 5, current: random.pick([-1, 4]) },
          waiting: Array.from({ length: random.integer(0, 3) }, (_, number) => channel(number)),
        },
      })),
    };
    assertEquals(loaded(stored(encodeWill(will))!), will);
    return Promise.resolve();
  });
});

test("a will is read as its receivers take it, and not before", async () => {
  using run = new TestRun();
  const [one, two] = [run.process({ relayed: true }), run.process()];
  const receiver = two.receiver<Bytes>(one);
  const values = Array.from({ length: 200 }, (_, index) => new Uint8Array(100_000).fill(index));
  sendAll(one, two, values);
  const will = die(one, two);
  assert(will !== undefined && will.size > 19_000_000);
  let most = 0;
  const counted: StoredBytes = {
    size: will.size,
    readInto: (target, at) => {
      most = Math.max(most, at + target.length);
      will.readInto(target, at);
    },
  };
  const delivered = deliver(run, one, counted);
  for (const value of values) {
    assertEquals(summary(await receiver.recv()), summary(value));
    // Two windows, a value, and what is read at once, for a reader that has taken `value`.
    const taken = (value[0]! + 1) * 100_005;
    assert(most < taken + 3_000_000, `${most} bytes were read when ${taken} had been received`);
  }
  await delivered;
});

test("the connections for wills are opened a few at a time, and for all of its receivers in the end", async () => {
  using run = new TestRun();
  const one = run.process({ relayed: true });
  const others = Array.from({ length: 5 }, () => run.process());
  for (const [index, other] of others.entries()) sendAll(one, other, [index]);
  const will = die(one, ...others);
  assert(will !== undefined);
  const dials = new TimedGate(1, 600_000);
  const leave = await dials.enter();
  const delivered = deliver(run, one, will, { dials });
  await turns(20);
  assertEquals(others.map(({ hub }) => hub.connections), [0, 0, 0, 0, 0]);
  leave();
  for (const [index, other] of others.entries()) {
    assertEquals(await other.receiver<unknown>(one).recv(), index);
  }
  await delivered;
});

test("readWill() refuses anything that is not a will", () => {
  using run = new TestRun();
  const [one, two] = [run.process(), run.process()];
  sendAll(one, two, [1, new Uint8Array(3_000_000)]);
  const bytes = joined(one.hub.writeWill(0)!);
  const length = new DataView(bytes.buffer).getUint32(0, true);
  const index = decode(bytes.slice(4, 4 + length)) as { pid: string; peers: unknown[] };
  const [peer] = index.peers as Record<string, unknown>[];
  assert(peer !== undefined);
  assertEquals(peer.remote, two.pid);
  const [channel] = peer.waiting as unknown[];
  const withIndex = (changed: unknown): StoredBytes => {
    const encoded = encode(changed);
    const start = new Uint8Array(4);
    new DataView(start.buffer).setUint32(0, encoded.length, true);
    return memoryBytes(joined([start, encoded, bytes.slice(4 + length)]));
  };
  const withPeer = (changed: unknown) => withIndex({ ...index, peers: [changed] });
  const withChannel = (changed: unknown) => withPeer({ ...peer, waiting: [changed] });
  assertEquals(loaded(withChannel(channel)), loaded(memoryBytes(bytes)));
  const wrong: StoredBytes[] = [
    withIndex(undefined),
    withIndex({}),
    withIndex({ ...index, pid: "nobody" }),
    withIndex({ ...index, peers: {} }),
    withPeer(null),
    withPeer({ ...peer, remote: 1 }),
    withPeer({ ...peer, acked: -1 }),
    withPeer({ ...peer, received: 0.5 }),
    withPeer({ ...peer, frames: [1] }),
    withPeer({ ...peer, frames: 2 ** 50 }),
    withPeer({ ...peer, opened: -1 }),
    withPeer({ ...peer, current: -2 }),
    withPeer({ ...peer, waiting: {} }),
    withChannel(null),
    withChannel({ ...channel as object, number: -1 }),
    withChannel({ ...channel as object, inFlight: NaN }),
    withChannel({ ...channel as object, accepted: 1 }),
    withChannel({ ...channel as object, bytes: 1 }),
    memoryBytes(bytes.slice(0, bytes.length - 1)),
    memoryBytes(new Uint8Array(3)),
    memoryBytes(new Uint8Array([255, 255, 255, 255])),
  ];
  for (const value of wrong) assertThrows(() => readWill(value), ProtocolError, "it is not a will");
  assertThrows(() => readWill(withIndex({ get: 1 })), ProtocolError);
  // The entries of a channel are checked when they are read.
  const entry = bytes.length - (channel as { bytes: number }).bytes;
  for (const at of [entry, entry + 4]) {
    const changed = bytes.slice();
    changed[at] = 9; // a kind that there is not, a length that is too large
    assertThrows(() => loaded(memoryBytes(changed)), ProtocolError, "it is not a will");
  }
  one.hub.peer(two.pid).abandon();
});

test("two processes that end at once with values for each other do not wait for each other", async () => {
  using run = new TestRun();
  const [one, two] = [run.process({ relayed: true }), run.process({ relayed: true })];
  sendAll(one, two, [1, new Uint8Array(3_000_000)]);
  sendAll(two, one, [2, new Uint8Array(3_000_000)]);
  const [first, second] = [die(one, two), die(two, one)];
  assert(first !== undefined && second !== undefined);
  await Promise.all([deliver(run, one, first), deliver(run, two, second)]);
});

test("a will for an ending process that does not know the process of the will waits for nothing", async () => {
  using run = new TestRun();
  const [one, two, three] = [run.process({ relayed: true }), run.process(), run.process()];
  sendAll(one, two, [1]);
  const will = die(one);
  assert(will !== undefined);
  // It has not ended yet: another process has yet to acknowledge something from it.
  sendAll(two, three, [2]);
  const flushed = two.hub.flush(0);
  await deliver(run, one, will);
  await flushed;
});
