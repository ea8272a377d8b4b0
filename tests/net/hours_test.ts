/** A link that is up for ten hours, by a clock moved by hand. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { LOCAL_NETWORK } from "../../src/net/liveness.ts";
import { type LinkConnection, MessageLink } from "../../src/net/message_link.ts";
import { integer } from "../../src/wire/schema.ts";
import { ManualClock } from "./manual_clock.ts";

type Word = { type: "word"; number: number };

const HOURS = 10;
const { heartbeatMs, silenceMs } = LOCAL_NETWORK;
const HEARTBEATS = HOURS * 3_600_000 / heartbeatMs;

/** A value is sent every so many heartbeats, and none is needed then. */
const WORD_EVERY = 10;

/** One direction of a connection in memory. */
class Pipe {
  /** What was written and not read. */
  waiting: Uint8Array[] = [];
  writes = 0;
  /** Nothing arrives any more, and no error tells that. */
  isCut = false;
  #closed = false;
  #wake = Promise.withResolvers<void>();

  async read(buffer: Uint8Array): Promise<number | null> {
    while (this.waiting.length === 0) {
      if (this.#closed) return null;
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
    }
    const bytes = this.waiting.shift()!;
    buffer.set(bytes);
    return bytes.length;
  }

  write(bytes: Uint8Array): Promise<number> {
    this.writes++;
    if (!this.isCut) this.waiting.push(bytes.slice());
    this.#wake.resolve();
    return Promise.resolve(bytes.length);
  }

  close(): void {
    this.#closed = true;
    this.#wake.resolve();
  }
}

function endOf(incoming: Pipe, outgoing: Pipe): LinkConnection {
  return {
    read: (buffer) => incoming.read(buffer),
    write: (bytes) => outgoing.write(bytes),
    close: () => {
      incoming.close();
      outgoing.close();
    },
  };
}

/** Runs what waits for promises only, which is all that these links wait for. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 30; turns++) await Promise.resolve();
}

Deno.test(`a link is up for ${HOURS} hours with a heartbeat a second, keeps nothing, and then notices a silence as at first`, async () => {
  const clock = new ManualClock();
  const [there, back] = [new Pipe(), new Pipe()];
  const options = { schema: { word: { number: integer } }, clock } as const;
  const node = new MessageLink<Word, Word>(endOf(back, there), { ...options, works: true });
  const master = new MessageLink<Word, Word>(endOf(there, back), options);
  const received: number[] = [];
  const readings = [node, master].map(async (link) => {
    for await (const { number } of link.messages()) received.push(number);
  });
  await settled();
  const timers = clock.timers;

  let words = 0;
  for (let beat = 1; beat <= HEARTBEATS; beat++) {
    clock.advance(heartbeatMs);
    await settled();
    if (beat % WORD_EVERY === 0) await node.send({ type: "word", number: words++ });
  }
  await settled();
  assertEquals([node.over, master.over], [false, false]);
  assertEquals(clock.timers, timers);
  assertEquals(received, Array.from({ length: words }, (_, index) => index));
  assertEquals([there.waiting, back.waiting], [[], []]);
  // A value is sent in place of the next heartbeat.
  assertEquals(back.writes, HEARTBEATS);
  assertEquals(there.writes, HEARTBEATS + 1);

  there.isCut = true;
  for (let ms = 0; ms <= silenceMs; ms += heartbeatMs) {
    assertEquals(master.over, false, `after ${ms} ms`);
    clock.advance(heartbeatMs);
    await settled();
  }
  assertEquals(master.over, true);
  const { message } = await master.ended;
  assertEquals(message, `it did not answer for ${silenceMs / 1_000} s`);
  node.drop();
  await Promise.all(readings);
  assertEquals(clock.timers, 0);
});
