/** Records with MACs: what is changed on the way does not arrive. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects } from "@std/assert";
import { authenticated } from "../../src/net/authenticated.ts";
import { importKey, type Session } from "../../src/net/handshake.ts";
import type { Transport } from "../../src/net/transport.ts";
import { MemoryStream } from "./memory_stream.ts";

const key = await importKey(new Uint8Array(32).fill(1));

function session(role: Session["role"], first = 0): Session {
  return { role, key, nonces: [first, ...new Array(63).fill(7)] };
}

/** What reads `bytes`, a few at a time, and remembers what is written. */
function transport(bytes: readonly number[] = []): Transport & { readonly written: number[] } {
  const stream = new MemoryStream(bytes, 20_000);
  return Object.assign(stream, { close() {}, ref() {}, unref() {} });
}

/** The bytes of records with these contents, as the dialer sends them. */
async function sent(...contents: readonly Uint8Array[]): Promise<number[]> {
  const conn = transport();
  const dialer = await authenticated(conn, session("dialer"));
  for (const content of contents) {
    for (let at = 0; at < content.length;) at += await dialer.write(content.subarray(at));
  }
  return conn.written;
}

/** Everything that the acceptor reads from these bytes. */
async function received(
  bytes: readonly number[],
  own: Session = session("acceptor"),
): Promise<number[]> {
  const acceptor = await authenticated(transport(bytes), own);
  const all: number[] = [];
  const buffer = new Uint8Array(100_000);
  for (let count = await acceptor.read(buffer); count !== null;) {
    for (const byte of buffer.subarray(0, count)) all.push(byte);
    count = await acceptor.read(buffer);
  }
  return all;
}

const ONE = new Uint8Array([1, 2, 3]);
const TWO = new Uint8Array([4, 5, 6]);

Deno.test("what is written is read, in pieces of any size", async () => {
  const large = new Uint8Array(600_000).map((_, index) => index);
  const bytes = await sent(ONE, large, TWO);
  const expected = [...ONE, ...large, ...TWO];
  const all = await received(bytes);
  assertEquals(all.length, expected.length);
  assertEquals(all.findIndex((byte, index) => byte !== expected[index]), -1);
  // 600,000 bytes are in three records.
  assertEquals(bytes.length, 600_006 + 5 * (4 + 32));
});

Deno.test("any changed byte ends the connection, and nothing of its record is read", async () => {
  const bytes = await sent(ONE);
  for (let index = 0; index < bytes.length; index++) {
    const changed = bytes.with(index, bytes[index]! ^ 1);
    const error = await assertRejects(() => received(changed), Error);
    const { InvalidData, UnexpectedEof } = Deno.errors;
    assert(error instanceof InvalidData || error instanceof UnexpectedEof, String(error));
  }
});

Deno.test("records that are left out, repeated or exchanged are refused", async () => {
  const bytes = await sent(ONE, TWO);
  const half = bytes.length / 2;
  const [first, second] = [bytes.slice(0, half), bytes.slice(half)];
  assertEquals(await received([...first, ...second]), [...ONE, ...TWO]);
  for (const wrong of [second, [...first, ...first], [...second, ...first]]) {
    await assertRejects(() => received(wrong), Deno.errors.InvalidData, "was changed on the way");
  }
});

Deno.test("records of another connection, or of the other direction, are refused", async () => {
  const bytes = await sent(ONE);
  const other = session("acceptor", 1);
  await assertRejects(() => received(bytes, other), Deno.errors.InvalidData, "changed on the way");
  const back = session("dialer");
  await assertRejects(() => received(bytes, back), Deno.errors.InvalidData, "changed on the way");
});

Deno.test("a record has from 1 to 256 KiB, before anything is allocated for it", async () => {
  for (const length of [[0, 0, 0, 0], [1, 0, 4, 0], [255, 255, 255, 255]]) {
    await assertRejects(() => received(length), Deno.errors.InvalidData, "a record of");
  }
});

Deno.test("a connection that ends within a record is not an end", async () => {
  const bytes = await sent(ONE);
  for (const length of [1, 4, 10, bytes.length - 1]) {
    await assertRejects(() => received(bytes.slice(0, length)), Deno.errors.UnexpectedEof);
  }
  assertEquals(await received([]), []);
});
