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

const MODULE = new URL("../../src/net/write_queue.ts", import.meta.url).href;

/** Writes messages to the socket in its argument, and ends in the same turn of the event loop. */
const ENDS = `
const { WriteQueue } = await import(${JSON.stringify(MODULE)});
const conn = await Deno.connect({ transport: "unix", path: Deno.args[0] });
const queue = new WriteQueue(conn, () => {});
queue.push(new Uint8Array([1, 2]));
queue.push(new Uint8Array([3]));
queue.pushLast(new Uint8Array([4, 5]));
queue.pushLast(new Uint8Array([6]));
queue.push(new Uint8Array([7]));
if (Deno.args[1] === "exits") Deno.exit();
await queue.drained(0);
conn.close();
`;

for (const [how, expected] of [["exits", "1,2,3,4,5,6"], ["goes on", "1,2,3,4,5,6,7"]] as const) {
  Deno.test(`pushLast() hands over what waits and the last, of a process that ${how}`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      const path = `${folder}/s`;
      using listener = Deno.listen({ transport: "unix", path });
      const args = ["eval", "--no-config", ENDS, "--", path, how];
      const ended = new Deno.Command(Deno.execPath(), { args }).output();
      using conn = await listener.accept();
      const read: number[] = [];
      for await (const bytes of conn.readable) read.push(...bytes);
      const { code, stderr } = await ended;
      assertEquals(code, 0, new TextDecoder().decode(stderr));
      assertEquals(`${read}`, expected);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("pushLast() waits in line where writes may be short", async () => {
  const { conn, queue } = setUp();
  const large = new Uint8Array(20_000).fill(1);
  queue.push(large);
  queue.pushLast(new Uint8Array([2, 2]));
  queue.pushLast(new Uint8Array([3, 3]));
  while (conn.written.length < 20_004) await conn.allow(15_000);
  assertEquals(conn.written, [...large, 2, 2, 3, 3]);
  assertEquals([conn.most, queue.bytes], [1, 0]);
});

Deno.test("100,000 that wait for the queue cost no more each than a few", async () => {
  const queue = new WriteQueue({ write: (bytes) => Promise.resolve(bytes.length) }, () => {});
  const waiting: Promise<void>[] = [];
  for (let count = 0; count < 100_000; count++) {
    queue.push(new Uint8Array(1));
    waiting.push(queue.drained(0));
  }
  await Promise.all(waiting);
  assertEquals(queue.bytes, 0);
});
