/** The order in which a link reads and writes. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";

import { FrameReader } from "../../src/channel/frame_reader.ts";
import { Link } from "../../src/channel/link.ts";
import { Outbox } from "../../src/channel/outbox.ts";
import { FrameType, HEADER_BYTES, writeHeader } from "../../src/wire/frame.ts";

/** A connection on which one `ask` arrives, and then nothing. It records the calls of its methods. */
class AskedOnce {
  readonly calls: string[] = [];
  /** Resolves when the link reads again. */
  readonly readOn = Promise.withResolvers<void>();

  read(target: Uint8Array): Promise<number> {
    this.calls.push("read");
    if (this.calls.filter((call) => call === "read").length === 1) {
      writeHeader(target, 0, FrameType.ask, 0);
      return Promise.resolve(HEADER_BYTES);
    }
    this.readOn.resolve();
    return new Promise(() => {});
  }

  write(bytes: Uint8Array): Promise<number> {
    this.calls.push("write");
    return Promise.resolve(bytes.length);
  }

  setNoDelay(): void {}
  unref(): void {}
}

/** The calls of a link on such a connection. `answer` is called when the `ask` has arrived. */
async function callsWith(answer: (say: () => void) => void): Promise<string[]> {
  const conn = new AskedOnce();
  const outbox = new Outbox();
  const refuse = () => {
    throw new Error("nothing but an ask was sent");
  };
  const reader = new FrameReader({
    value: refuse,
    begin: refuse,
    pieceTarget: refuse,
    piece: refuse,
    control: () =>
      answer(() => {
        outbox.append(FrameType.idle);
        link.kick();
      }),
  }, 0);
  const link = new Link(conn as unknown as Deno.TcpConn, outbox, reader, {
    beforeWrite: () => {},
    answer: () => {},
    afterRead: () => {},
    ended: (error) => {
      throw error ?? new Error("the connection has ended");
    },
  });
  link.start();
  await conn.readOn.promise;
  return conn.calls;
}

Deno.test("an answer that a program gives after a few awaits is written before the next read", async () => {
  const calls = await callsWith(async (say) => {
    for (let step = 0; step < 3; step++) await null;
    say();
  });
  assertEquals(calls, ["read", "write", "read"]);
});

Deno.test("without an answer it is read on all the same", async () => {
  assertEquals(await callsWith(() => {}), ["read", "read"]);
});
