// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { WriteQueue } from "../../src/net/write_queue.ts";

/** A connection that takes as many bytes as the test allows. */
class SlowConn {
  readonly written: number[] = [];
  /** The largest number of writes in progress at the same time. */
  most = 0;
  #now = 0;
  #next = Promise.withResolvers<number>();

  async write(bytes: Uint8Array): Promise<number> {
    this.most = Math.max(this.most, ++this.#now);
    try {
      const count = Math.min(await this.#next.promise, bytes.length);
      this.written.push(...bytes.subarray(0, count));
      return count;
    } finally {
      this.#now--;
      this.#next = Promise.withResolvers();
    }
  }

  async allow(count: number): Promise<void> {
    this.#next.resolve(count);
    await turns();
  }

  async break(why: string): Promise<void> {
    this.#next.reject(new Error(why));
    await turns();
  }
}

async function turns(): Promise<void> {
  for (let count = 0; count < 10; count++) await Promise.resolve();
}

function setUp() {
  const conn = new SlowConn();
  const broken: unknown[] = [];
  const queue = new WriteQueue(conn, (cause) => broken.push((cause as Error).message));
  const settled: string[] = [];
  const drained = (atMost: number) =>
    void queue.drained(atMost).then(() => settled.push(`${atMost}`));
  return { conn, broken, queue, settled, drained };
}

Deno.test("WriteQueue writes in order, one write at a time, short ones and all", async () => {
  const { conn, queue } = setUp();
  const expected: number[] = [];
  for (let index = 0; index < 5; index++) {
    const bytes = new Uint8Array(index + 1).fill(index);
    expected.push(...bytes);
    queue.push(bytes);
  }
  assertEquals(queue.bytes, 15);
  while (conn.written.length < 15) await conn.allow(2);
  assertEquals(conn.written, expected);
  assertEquals([conn.most, queue.bytes], [1, 0]);
  queue.push(new Uint8Array([7]));
  await conn.allow(1);
  assertEquals(conn.written.at(-1), 7);
});

Deno.test("drained() resolves when at most that many bytes are left, possibly at once", async () => {
  const { conn, queue, settled, drained } = setUp();
  drained(0);
  await turns();
  assertEquals(settled.splice(0), ["0"]);
  for (let count = 0; count < 3; count++) queue.push(new Uint8Array(10));
  for (const atMost of [0, 10, 25, 30]) drained(atMost);
  await turns();
  assertEquals(settled.splice(0), ["30"]);
  await conn.allow(10);
  assertEquals(settled.splice(0), ["25"]);
  await conn.allow(10);
  assertEquals(settled.splice(0), ["10"]);
  await conn.allow(10);
  assertEquals(settled, ["0"]);
});

Deno.test("WriteQueue reports a failed write once, and releases all waiters", async () => {
  const { conn, broken, queue, settled, drained } = setUp();
  queue.push(new Uint8Array(10));
  queue.push(new Uint8Array(10));
  drained(0);
  await conn.break("reset");
  assertEquals([broken, settled, queue.bytes], [["reset"], ["0"], 0]);
  queue.push(new Uint8Array(10));
  assertEquals(queue.bytes, 0);
});

Deno.test("close() drops queued bytes, and a later failed write is not reported", async () => {
  const { conn, broken, queue, settled, drained } = setUp();
  queue.push(new Uint8Array(10));
  drained(0);
  queue.close();
  await turns();
  assertEquals(settled, ["0"]);
  await conn.break("closed");
  assertEquals([broken, conn.written], [[], []]);
});
