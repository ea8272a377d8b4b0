// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { StdinFeed } from "../../src/host/stdin_feed.ts";
import { ProtocolError } from "../../src/core/errors.ts";
import { STDIN_WINDOW_BYTES } from "../../src/wire/run_messages.ts";

/** A feed, the reported credit, and a process that reads when the test lets it. */
function setUp() {
  const taken: number[] = [];
  const got: string[] = [];
  const writes: PromiseWithResolvers<void>[] = [];
  let closed = false;
  const stdin = new WritableStream<Uint8Array<ArrayBuffer>>({
    write: (bytes) => {
      got.push(new TextDecoder().decode(bytes));
      const write = Promise.withResolvers<void>();
      writes.push(write);
      return write.promise;
    },
    close: () => {
      closed = true;
    },
  });
  const feed = new StdinFeed({
    taken: (bytes) => taken.push(bytes),
    wanted: () => {},
    startTimer: () => () => {},
  });
  return { feed, stdin, taken, got, writes, isClosed: () => closed };
}

const bytes = (text: string) => new TextEncoder().encode(text);

async function settled(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("StdinFeed delivers earlier data in order, and reports what was taken", async () => {
  const { feed, stdin, taken, got, writes, isClosed } = setUp();
  feed.push(bytes("one"));
  feed.push(bytes("three"));
  feed.attach(stdin, () => true);
  feed.push(bytes("!"));
  feed.end();
  await settled();
  assertEquals([got, taken], [["one"], []]);
  writes[0]!.resolve();
  await settled();
  assertEquals([got, taken], [["one", "three"], [3]]);
  writes[1]!.resolve();
  await settled();
  writes[2]!.resolve();
  await settled();
  assertEquals([got, taken, isClosed()], [["one", "three", "!"], [3, 5, 1], true]);
});

Deno.test("StdinFeed refuses more than a window of unacknowledged data", async () => {
  const { feed, stdin, writes } = setUp();
  feed.push(new Uint8Array(STDIN_WINDOW_BYTES));
  assertThrows(() => feed.push(new Uint8Array(1)), ProtocolError);
  const { feed: other, stdin: otherStdin, writes: otherWrites } = setUp();
  other.push(new Uint8Array(STDIN_WINDOW_BYTES));
  other.attach(otherStdin, () => true);
  await settled();
  otherWrites[0]!.resolve();
  await settled();
  other.push(new Uint8Array(STDIN_WINDOW_BYTES));
  feed.attach(stdin, () => true);
  await settled();
  writes[0]!.resolve();
});

Deno.test("StdinFeed acknowledges nothing once the process takes nothing more", async () => {
  const { feed, stdin, taken, writes } = setUp();
  feed.attach(stdin, () => true);
  feed.push(bytes("one"));
  feed.push(bytes("two"));
  await settled();
  writes[0]!.reject(new Error("broken pipe"));
  await settled();
  feed.end();
  feed.detach();
  await settled();
  assertEquals(taken, []);
});
