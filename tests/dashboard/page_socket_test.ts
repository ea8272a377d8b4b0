/** The WebSocket of a page, with a client that is no browser. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { type PageConnection, PageSocket } from "../../src/dashboard/page_socket.ts";
import { Timers } from "./timers.ts";

/** A frame with a mask that changes nothing. */
function frame(first: number, text: string): number[] {
  return [first, 0x80 | text.length, 0, 0, 0, 0, ...new TextEncoder().encode(text)];
}

const [TEXT, CLOSE, PING] = [0x81, 0x88, 0x89];

/** A socket, and the client's end of its connection. */
class Pair implements AsyncDisposable {
  readonly taken: string[] = [];
  readonly timers = new Timers();
  readonly client: Deno.TcpConn;
  readonly socket: PageSocket;

  private constructor(client: Deno.TcpConn, conn: Deno.TcpConn, rest: number[]) {
    this.client = client;
    this.socket = new PageSocket(conn, {
      answer: new TextEncoder().encode("answer"),
      rest: new Uint8Array(rest),
      startTimer: this.timers.start,
      took: (text) => {
        this.taken.push(text);
        return text !== "none";
      },
    });
  }

  static async make(...rest: number[]): Promise<Pair> {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
    const pair = new Pair(client, await listener.accept(), rest);
    assertEquals(await pair.read(6), [...new TextEncoder().encode("answer")]);
    return pair;
  }

  /** Reads so many bytes, or fewer at the end. */
  async read(count: number): Promise<number[]> {
    const read: number[] = [];
    while (read.length < count) {
      const buffer = new Uint8Array(count - read.length);
      const size = await this.client.read(buffer);
      if (size === null) break;
      read.push(...buffer.subarray(0, size));
    }
    return read;
  }

  async write(...bytes: number[]): Promise<void> {
    await this.client.write(new Uint8Array(bytes));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await this.socket.over;
    assertEquals(this.timers.size, 0);
  }
}

Deno.test("messages are taken, also one that has come with the request, and pings answered", async () => {
  await using pair = await Pair.make(...frame(TEXT, "first"));
  await pair.write(...frame(TEXT, "second"), ...frame(PING, "a"));
  assertEquals(await pair.read(3), [0x8a, 1, 97]);
  assertEquals(pair.taken, ["first", "second"]);
  pair.socket.send("b");
  assertEquals(await pair.read(3), [TEXT, 1, 98]);
});

Deno.test("it is closed with a code if the other side sends what is none, or breaks the protocol", async () => {
  const table: [bytes: number[], code: number][] = [
    [frame(TEXT, "none"), 1008],
    [[TEXT, 0], 1002],
    [frame(CLOSE, ""), 1000],
  ];
  for (const [bytes, code] of table) {
    await using pair = await Pair.make();
    await pair.write(...bytes, ...frame(TEXT, "more"));
    assertEquals(await pair.read(100), [CLOSE, 2, code >> 8, code & 255]);
    assertEquals(pair.taken.includes("more"), false);
  }
});

Deno.test("the other side may read to the end what was sent, but not for ever", async () => {
  await using pair = await Pair.make();
  pair.socket.send("last");
  pair.socket.close();
  assertEquals(await pair.read(100), [TEXT, 4, 108, 97, 115, 116, CLOSE, 2, 3, 232]);
  await pair.write(...frame(TEXT, "late"));
  pair.timers.fire();
  await pair.socket.over;
  assertEquals(pair.taken, []);
});

Deno.test("who says nothing for long is asked, and gone if it does not answer", async () => {
  await using pair = await Pair.make();
  pair.timers.fire();
  assertEquals(await pair.read(2), [PING, 0]);
  pair.timers.fire();
  await pair.socket.over;
});

Deno.test("who asks without end and does not read is not read", async () => {
  const pings = new Uint8Array(
    Array.from({ length: 30 }, () => frame(PING, "x".repeat(100))).flat(),
  );
  let reads = 0;
  let isClosed = false;
  const { promise: closed, reject: close } = Promise.withResolvers<never>();
  const conn: PageConnection = {
    read: (buffer) => {
      if (isClosed) return closed;
      if (++reads > 1_000) throw new Error("it reads on");
      buffer.set(pings);
      return Promise.resolve(pings.length);
    },
    write: () => closed,
    closeWrite: () => Promise.resolve(),
    close: () => {
      isClosed = true;
      close(new Deno.errors.BadResource("closed"));
    },
  };
  const { start: startTimer } = new Timers();
  const [answer, rest] = [new Uint8Array(), new Uint8Array()];
  const socket = new PageSocket(conn, { answer, rest, startTimer, took: () => true });
  // All that it does without waiting for somebody.
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(reads, 22, "about 64 KiB of answers wait");
  conn.close();
  await socket.over;
});
