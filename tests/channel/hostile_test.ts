/** A process of the run that sends invalid frames: it loses its connection, and no one else is affected. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects } from "@std/assert";
// @ts-types="../../types/std_bytes.d.ts"
import { concat } from "@std/bytes/concat";
import { Verdict } from "../../src/channel/greeting.ts";
import { encode } from "../../src/codec/value_encoder.ts";
import { ChannelError } from "../../src/core/errors.ts";
import { makePid, type Pid, randomId, shortPid } from "../../src/core/pid.ts";
import { type Transport, writeAll } from "../../src/net/transport.ts";
import {
  FIRST_WINDOW_BYTES,
  FrameType,
  HEADER_BYTES,
  MAX_VALUE_BYTES,
  WINDOW_BYTES,
  writeHeader,
  writeLayout,
} from "../../src/wire/frame.ts";
import { test, type TestProcess, TestRun, until } from "./pair.ts";
import { forSeeds } from "./random.ts";

type Bytes = Uint8Array<ArrayBuffer>;

function frame(type: number, payload: Uint8Array = new Uint8Array(0)): Bytes {
  const bytes = new Uint8Array(HEADER_BYTES + payload.length);
  writeHeader(bytes, 0, type as FrameType, payload.length);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

function numbers(type: FrameType, ...values: number[]): Bytes {
  return frame(type, new Uint8Array(Uint32Array.from(values).buffer));
}

function open(number: number, name = ""): Bytes {
  const head = new Uint8Array(Uint32Array.of(number).buffer);
  return frame(FrameType.open, concat([head, new TextEncoder().encode(name)]));
}

function first(length: number, bytes: number): Bytes {
  const payload = new Uint8Array(12 + bytes);
  writeLayout(new DataView(payload.buffer), 0, { length, bufferStart: 0, bufferSize: 0 });
  return frame(FrameType.first, payload);
}

function ack(offset: number): Bytes {
  return frame(FrameType.ack, new Uint8Array(Float64Array.of(offset).buffer));
}

const value = frame(FrameType.value, encode(1));
/** The largest one. */
const large = frame(FrameType.value, new Uint8Array(MAX_VALUE_BYTES));

/** A process that sends what the test tells it to. */
class Liar {
  readonly pid: Pid;
  readonly conn: Transport;

  private constructor(pid: Pid, conn: Transport) {
    this.pid = pid;
    this.conn = conn;
  }

  /** @param isKnown Whether its node says that it runs; it is asked after a second. */
  static async connect(run: TestRun, to: TestProcess, isKnown = true): Promise<Liar> {
    const pid = makePid(randomId(), "127.0.0.1", 1);
    if (isKnown) run.runs(pid);
    const { conn, reply } = await run.dial(pid, to);
    assertEquals(reply, { verdict: Verdict.welcome, number: 0 });
    return new Liar(pid, conn);
  }

  /** Resolves when the other side has closed the connection. */
  async closed(): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      while (await this.conn.read(buffer) !== null);
    } catch {
      // reset: it was closed with bytes unread
    }
    this.conn.close();
  }
}

/** What is sent after one channel with a Receiver was opened, and the logged reason. */
const TABLE: [name: string, frames: Bytes[], message: string][] = [
  ["an unknown frame", [frame(18)], "an invalid frame of type 18, with 0 bytes"],
  ["a value before any channel", [value], "a frame before any channel"],
  ["an end before any channel", [frame(FrameType.end)], "an end before any channel"],
  [
    "a channel that was not opened",
    [open(0), numbers(FrameType.channel, 1)],
    "channel 1 is selected",
  ],
  ["a number that is left out", [open(1)], "channel 1 is opened; the next one is 0"],
  [
    "a channel that is opened twice",
    [open(0), open(0)],
    "channel 0 is opened; the next one is 1",
  ],
  ["a number that is used again", [open(0), frame(FrameType.end), open(0)], "channel 0 is opened"],
  [
    "a name that is too long",
    [open(0, "x".repeat(256))],
    "an invalid frame of type 8, with 260 bytes",
  ],
  [
    "a name that is not UTF-8",
    [frame(FrameType.open, Uint8Array.of(0, 0, 0, 0, 0xff))],
    "a channel name that is not UTF-8",
  ],
  [
    "a value after the end",
    [open(0), frame(FrameType.end), numbers(FrameType.channel, 0)],
    "channel 0 is selected after its end",
  ],
  [
    "two ends",
    [open(0), frame(FrameType.end), frame(FrameType.end)],
    "a channel ended twice",
  ],
  ["an abort for what is no value", [open(0), frame(FrameType.abort, Uint8Array.of(255))], ""],
  [
    "credit for no channel",
    [numbers(FrameType.credit, 1, 5)],
    "a credit for channel 1; channels opened: 1",
  ],
  ["credit for nothing", [numbers(FrameType.credit, 0, 5)], "only 0 are in flight"],
  [
    "an accept of no channel",
    [numbers(FrameType.accept, 7)],
    "an accept for channel 7; channels opened: 1",
  ],
  [
    "two accepts",
    [numbers(FrameType.accept, 0), numbers(FrameType.accept, 0)],
    "channel 0 was accepted twice",
  ],
  [
    "a stop of no channel",
    [numbers(FrameType.stop, 7, 0)],
    "a stop for channel 7; channels opened: 1",
  ],
  ["a stop for no reason", [numbers(FrameType.stop, 0, 9)], "a stop for unknown reason 9"],
  ["an ack of what was not sent", [ack(1e9)], "an ack of 1000000000"],
  [
    "a piece without a value",
    [open(0), frame(FrameType.more, new Uint8Array(5))],
    "a piece without a value",
  ],
  ["a value in a value", [open(0), first(100, 50), value], "a value inside another value"],
  [
    "a piece beyond its value",
    [open(0), first(100, 50), frame(FrameType.more, new Uint8Array(51))],
    "a piece beyond the end of its value",
  ],
  [
    "more than the window",
    [open(0), ...Array.from({ length: 100 }, () => large)],
    `the window is ${WINDOW_BYTES}`,
  ],
  [
    "more than the window of a channel without a Receiver",
    [open(0, "nobody"), ...Array.from({ length: 5 }, () => large)],
    `the window is ${FIRST_WINDOW_BYTES}`,
  ],
  [
    "a large value for which there is no Receiver",
    [open(0, "nobody"), first(FIRST_WINDOW_BYTES + 1, 50)],
    "for which there is no Receiver",
  ],
];

test("invalid frames make their sender count as lost, with one line in the log", async () => {
  for (const [name, frames, message] of TABLE) {
    using run = new TestRun();
    const [one, two] = [run.process(), run.process()];
    const honest = two.sender<number>(one);
    const receiver = one.receiver<number>(two);
    await honest.send(1);
    const liar = await Liar.connect(run, one);
    one.receiver<number>(liar.pid);
    const answer = one.sender<number>(liar.pid);
    await writeAll(liar.conn, concat(frames)).catch(() => {}); // it may have been closed in the meantime
    await liar.closed();
    const error = await assertRejects(() => answer.send(1), ChannelError);
    assertEquals(error.kind, "lost", name);
    assert(error.message.includes(message), `${name}: ${error.message}`);
    assert(one.hub.peer(liar.pid).gone);
    assertEquals([one.refused.length, one.log.length], [1, 0], name);
    const line = `closed the connection to ${shortPid(liar.pid)} on 127.0.0.1: `;
    assert(one.refused[0]!.startsWith(line), one.refused[0]);
    // The other processes are not affected.
    await honest.send(2);
    assertEquals([await receiver.recv(), await receiver.recv()], [1, 2]);
    assertEquals(one.noticed, [], "how it ended is not known");
  }
});

test("a refused or closed channel may continue for a while, without cost", async () => {
  using run = new TestRun();
  const one = run.process();
  const liar = await Liar.connect(run, one);
  // Until it is said to be needed, an idle connection is closed after a moment.
  const frames: Bytes[] = [frame(FrameType.busy)];
  for (let number = 0; number < 1_500; number++) frames.push(open(number, `${number}`), value);
  frames.push(...Array.from({ length: 200 }, () => large), first(4e9, 1_000));
  await writeAll(liar.conn, concat(frames));
  await writeAll(liar.conn, concat([numbers(FrameType.channel, 3), value]));
  const receiver = one.receiver<number>(liar.pid, "3");
  assertEquals([await receiver.recv(), await receiver.recv()], [1, 1]);
  await receiver.close();
  await writeAll(liar.conn, concat([value, ...Array.from({ length: 200 }, () => large)]));
  await writeAll(liar.conn, concat([open(1_500, "a"), value, frame(FrameType.end)]));
  assertEquals(await one.receiver<number>(liar.pid, "a").recv(), 1);
  assertEquals(one.log, []);
  liar.conn.close();
});

test("invalid data after a good greeting ends only that connection", async () => {
  await forSeeds(30, async (random) => {
    using run = new TestRun();
    const [one, two] = [run.process(), run.process()];
    const liar = await Liar.connect(run, one);
    one.receiver<number>(liar.pid).recv().catch(() => {});
    const noise: Bytes[] = [open(0)];
    for (let count = 0; count < 200; count++) {
      const payload = new Uint8Array(random.pick([0, 4, 8, random.integer(0, 300)]));
      noise.push(frame(random.integer(0, 18), payload.map(() => random.pick([0, 1, 255]))));
    }
    await writeAll(liar.conn, concat(noise)).catch(() => {});
    liar.conn.close();
    const [sender, receiver] = [two.sender<number>(one), one.receiver<number>(two)];
    await sender.send(1);
    assertEquals(await receiver.recv(), 1);
    await until(() => one.log.length <= 1, "at most one line");
  });
});

test("what came in the name of a process that does not exist is dropped when its node says so", async () => {
  using run = new TestRun();
  const one = run.process();
  const liar = await Liar.connect(run, one, false);
  await writeAll(liar.conn, concat([open(0, "nobody"), large, open(1, "nobody"), large]));
  await until(() => one.hub.unclaimed.first("nobody") !== undefined, "the channel");
  await liar.closed();
  assertEquals(one.hub.unclaimed.first("nobody"), undefined);
  assertEquals(one.hub.peer(liar.pid).gone, false, "it is forgotten: this is another one");
});
