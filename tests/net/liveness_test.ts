/** When one side of a link considers the other one lost, by a clock moved by hand. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  atHeartbeat,
  type LinkState,
  livenessFrom,
  LOCAL_NETWORK,
  TESTS,
  WIDE_NETWORK,
} from "../../src/net/liveness.ts";
import { LinkError, MessageLink, type MessageLinkOptions } from "../../src/net/message_link.ts";
import { encodeMessage } from "../../src/wire/message.ts";
import { ManualClock } from "./manual_clock.ts";

Deno.test("atHeartbeat() gives up a side that was silent for too long, or sends a heartbeat", () => {
  const table: [state: LinkState, nowMs: number, ReturnType<typeof atHeartbeat>][] = [
    [{ heardMs: 0, listening: true, spoke: false, stood: false }, 0, "speak"],
    [{ heardMs: 0, listening: true, spoke: true, stood: false }, 0, "nothing"],
    [{ heardMs: 0, listening: true, spoke: false, stood: false }, 1_000, "speak"],
    [{ heardMs: 0, listening: true, spoke: true, stood: false }, 1_000, "nothing"],
    [{ heardMs: 0, listening: true, spoke: false, stood: false }, 1_001, "lost"],
    [{ heardMs: 0, listening: true, spoke: true, stood: false }, 1_001, "lost"],
    [{ heardMs: 500, listening: true, spoke: false, stood: false }, 1_001, "speak"],
    // What has come meanwhile may not be read yet.
    [{ heardMs: 0, listening: true, spoke: true, stood: true }, 1_001, "look"],
    [{ heardMs: 0, listening: true, spoke: true, stood: true }, 1_000, "nothing"],
    // A side that does not read receives nothing.
    [{ heardMs: 0, listening: false, spoke: false, stood: false }, 1e9, "speak"],
  ];
  for (const [state, nowMs, expected] of table) {
    assertEquals(atHeartbeat(state, nowMs, 1_000), expected, JSON.stringify({ state, nowMs }));
  }
});

Deno.test("workers give up before the master, which reports it before the bridge does", () => {
  for (const liveness of [LOCAL_NETWORK, WIDE_NETWORK, TESTS]) {
    const { heartbeatMs, workerSilenceMs, silenceMs, newsMs } = liveness;
    // Each is late by less than one heartbeat.
    assert(workerSilenceMs + heartbeatMs < silenceMs);
    assert(newsMs > 2 * heartbeatMs);
    // Two heartbeats may be lost or late.
    assert(workerSilenceMs > 3 * heartbeatMs);
  }
  assertEquals([LOCAL_NETWORK.workerSilenceMs, LOCAL_NETWORK.silenceMs], [8_000, 10_000]);
});

Deno.test("livenessFrom() knows the presets by name, and refuses other names", () => {
  assertEquals(livenessFrom(undefined), LOCAL_NETWORK);
  assertEquals(livenessFrom(""), LOCAL_NETWORK);
  assertEquals(livenessFrom("wide"), WIDE_NETWORK);
  for (const name of ["fast", "toString"]) {
    assertThrows(() => livenessFrom(name), SyntaxError, `DEPLOY_LIVENESS is "${name}"`);
  }
});

type Word = { type: "word" };

/** One end of a link. The test is the other end. */
function openLink(options: Partial<MessageLinkOptions<Word>> = {}, answersAtOnce = false) {
  const clock = new ManualClock();
  const written: Uint8Array[] = [];
  let next = Promise.withResolvers<Uint8Array | null>();
  const link = new MessageLink<Word, Word>({
    read: async (buffer) => {
      const bytes = await next.promise;
      next = Promise.withResolvers();
      if (bytes !== null) buffer.set(bytes);
      return bytes?.length ?? null;
    },
    write: (bytes) => {
      written.push(bytes.slice());
      return Promise.resolve(bytes.length);
    },
    close: () => next.resolve(null),
    answersAtOnce,
  }, { schema: { word: {} }, clock, ...options });
  const say = (bytes: Uint8Array): void => next.resolve(bytes);
  const end = (): void => next.resolve(null);
  return { link, clock, written, say, end };
}

/** Runs everything that waits only for its turn. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
}

const HEARTBEAT = encodeMessage({ type: "" });

Deno.test("MessageLink sends something at each heartbeat, unless it has just done so", async () => {
  const { link, clock, written } = openLink();
  clock.advance(999);
  await turn();
  assertEquals(written, []);
  clock.advance(1);
  await turn();
  assertEquals(written, [HEARTBEAT]);
  await link.send({ type: "word" });
  clock.advance(1_000);
  await turn();
  assertEquals(written.length, 2);
  clock.advance(1_000);
  await turn();
  assertEquals(written.slice(2), [HEARTBEAT]);
  link.drop();
  assertEquals(clock.timers, 0);
});

for (const [works, seconds] of [[false, 10], [true, 8]] as const) {
  Deno.test(`MessageLink, which ${works ? "works" : "does not work"} for the other side, gives it up after ${seconds} s`, async () => {
    const { link, clock, say } = openLink({ works });
    const received = Array.fromAsync(link.messages());
    await turn();
    clock.advance(seconds * 1_000);
    assertEquals(link.over, false);
    say(HEARTBEAT);
    await turn();
    // A heartbeat alone counts, too.
    clock.advance(seconds * 1_000);
    assertEquals(link.over, false);
    clock.advance(1_000);
    assertEquals(link.over, true);
    assertEquals((await link.ended).message, `it did not answer for ${seconds} s`);
    assertEquals([await received, clock.timers], [[], 0]);
  });
}

Deno.test("MessageLink on which nothing depends yet is given up after 30 s, and once it matters after 10 s", async () => {
  for (const [matters, seconds] of [[false, 30], [true, 10]] as const) {
    const { link, clock } = openLink({ idle: true });
    const received = Array.fromAsync(link.messages());
    await turn();
    if (matters) link.matters();
    clock.advance(seconds * 1_000);
    assertEquals(link.over, false);
    clock.advance(1_000);
    assertEquals((await link.ended).message, `it did not answer for ${seconds} s`);
    assertEquals(await received, []);
  }
});

Deno.test("MessageLink of a process that stood still reads what came meanwhile before it judges", async () => {
  const { link, clock, say, written } = openLink({ works: true });
  const received = Array.fromAsync(link.messages());
  await turn();
  clock.standStill(9_000);
  assertEquals([link.over, written], [false, [HEARTBEAT]]);
  say(HEARTBEAT);
  await turn();
  clock.advance(8_000);
  assertEquals(link.over, false);
  link.drop();
  assertEquals([await received, clock.timers], [[], 0]);
});

Deno.test("MessageLink of a process that stood still gives up a side of which nothing came", async () => {
  const { link, clock } = openLink({ works: true });
  const received = Array.fromAsync(link.messages());
  await turn();
  clock.standStill(9_000);
  clock.advance(99);
  assertEquals(link.over, false);
  clock.advance(1);
  assertEquals(link.over, true);
  const reason = await link.ended;
  assertEquals(reason.message, "it did not answer for 8 s");
  assert(reason instanceof LinkError && reason.isSilence);
  assertEquals([await received, clock.timers], [[], 0]);
});

Deno.test("MessageLink of a process that stood still until the other side gave it up ends for the silence", async () => {
  const { link, clock, say, end } = openLink({ works: true });
  const received = Array.fromAsync(link.messages());
  await turn();
  clock.standStill(9_900);
  say(HEARTBEAT);
  await turn();
  end();
  const reason = await link.ended;
  assert(reason instanceof LinkError && reason.isSilence, reason.message);
  assertEquals([await received, clock.timers], [[], 0]);
  // After 10 s that is certain.
  const other = openLink({ works: true });
  const messages = Array.fromAsync(other.link.messages());
  await turn();
  other.clock.standStill(10_000);
  assertEquals(other.link.over, true);
  await messages;
});

Deno.test("MessageLink does not count the silence of a side that it does not listen to", async () => {
  const { link, clock, say } = openLink();
  const messages = link.messages();
  clock.advance(60_000);
  const first = messages.next();
  say(encodeMessage({ type: "word" }));
  assertEquals((await first).value, { type: "word" });
  // A message is being handled, for a minute.
  clock.advance(60_000);
  assertEquals(link.over, false);
  const second = messages.next();
  await turn();
  clock.advance(11_000);
  assertEquals([link.over, (await second).done], [true, true]);
});

Deno.test("MessageLink answers each small read at once where the other side's next write waits for that", async () => {
  const large = new Uint8Array(16 * 1024 + 4);
  for (const answersAtOnce of [false, true]) {
    const { link, written, say } = openLink({}, answersAtOnce);
    const messages = link.messages();
    for (let count = 1; count <= 2; count++) {
      const next = messages.next();
      say(encodeMessage({ type: "word" }));
      await next;
      assertEquals(written, Array(answersAtOnce ? count : 0).fill(HEARTBEAT));
    }
    // The system acknowledges this at once.
    const next = messages.next();
    say(large.subarray(0, 16 * 1024));
    await turn();
    assertEquals(written.length, answersAtOnce ? 2 : 0);
    link.drop();
    await next.catch(() => {}); // zeros are no messages
  }
});
