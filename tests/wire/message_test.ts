// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ProtocolError } from "../../src/core/errors.ts";
import { decode } from "../../src/codec/value_decoder.ts";
import { encode } from "../../src/codec/value_encoder.ts";
import {
  decodeMessage,
  encodeBody,
  encodeMessage,
  framed,
  MAX_MESSAGE_BYTES,
  MessageDecoder,
  messageParts,
} from "../../src/wire/message.ts";
import { bytes, integer, type Schema } from "../../src/wire/schema.ts";

const BYTES = new Uint8Array([1, 2, 3]);

function body(message: { type: string; [field: string]: unknown }): Uint8Array<ArrayBuffer> {
  return encodeMessage(message).subarray(4);
}

Deno.test("encodeMessage() writes a length, and an object in the format of the value codec", () => {
  const bytes = [0, 0xa1, 4, ...new TextEncoder().encode("type"), 0x87];
  assertEquals(Array.from(encodeMessage({ type: "started" })), [
    0,
    0,
    0,
    bytes.length + 7,
    ...bytes,
    ...new TextEncoder().encode("started"),
  ]);
});

Deno.test("messageParts() gives a message whose large argument is not copied", () => {
  const schema = { spawn: { request: integer, arg: bytes, more: bytes } };
  type Spawn = { type: "spawn"; request: number; arg: Uint8Array<ArrayBuffer>; more: Uint8Array };
  for (const size of [0, 3, 64 * 1024 - 1, 64 * 1024, 300_000]) {
    const arg = new Uint8Array(size).fill(7);
    const message: Spawn = { type: "spawn", request: 5, arg, more: BYTES };
    const parts = messageParts(message);
    assertEquals(parts.length, size < 64 * 1024 ? 1 : 2);
    if (parts.length === 2) assertEquals(parts[1]!.buffer, arg.buffer);
    const stream = new Uint8Array(parts.flatMap((part) => [...part]));
    const [body, ...others] = new MessageDecoder().push(stream);
    assertEquals(others, []);
    assertEquals(decodeMessage(schema as Schema<Spawn>, body!), message);
  }
  const huge = { type: "spawn", arg: new Uint8Array(MAX_MESSAGE_BYTES) };
  assertThrows(() => messageParts(huge), RangeError, "at most");
});

Deno.test("MessageDecoder gives each body, wherever the stream is split", () => {
  const messages = [{ type: "started" }, { type: "work", arg: BYTES, at: 7 }, { type: "kill" }];
  const stream = new Uint8Array([
    ...messages.flatMap((message) => [...encodeMessage(message)]),
    ...[0, 0, 0, 0],
    ...encodeMessage(messages[0]!),
  ]);
  const expected = [...messages.map((message) => Array.from(body(message))), [], [
    ...body(messages[0]!),
  ]];
  for (let cut = 0; cut <= stream.length; cut++) {
    const decoder = new MessageDecoder();
    const bodies = [
      ...decoder.push(stream.subarray(0, cut)),
      ...decoder.push(stream.subarray(cut)),
    ];
    assertEquals(bodies.map((bytes) => Array.from(bytes)), expected, `split at byte ${cut}`);
  }
  const decoder = new MessageDecoder();
  const bodies = Array.from(stream).flatMap((byte) => [...decoder.push(new Uint8Array([byte]))]);
  assertEquals(bodies.map((bytes) => Array.from(bytes)), expected, "byte by byte");
});

Deno.test("MessageDecoder refuses a length beyond the limit as soon as it is there", () => {
  const decoder = new MessageDecoder({ maxBytes: 10 });
  assertEquals([...decoder.push(new Uint8Array([0, 0, 0]))], []);
  assertThrows(
    () => [...decoder.push(new Uint8Array([11]))],
    ProtocolError,
    "a message of 11 bytes; the limit is 10",
  );
  assertThrows(
    () => [...new MessageDecoder().push(new Uint8Array([0xff, 0xff, 0xff, 0xff]))],
    ProtocolError,
    `the limit is ${MAX_MESSAGE_BYTES}`,
  );
  assertEquals([...new MessageDecoder({ maxBytes: 2 }).push(new Uint8Array([0, 0, 0, 2, 8, 9]))], [
    new Uint8Array([8, 9]),
  ]);
});

Deno.test("encodeMessage() sends the bytes of a view, and nothing else of its buffer", () => {
  const secret = new TextEncoder().encode("a secret, and more");
  const all = [{ one: secret.subarray(12) }, { one: secret.subarray(12) }];
  const message = { type: "pieces", hash: secret.subarray(10), all, none: undefined };
  const sent = encodeMessage(message);
  assertEquals(decode(sent.subarray(4)), {
    type: "pieces",
    hash: secret.slice(10),
    all: [{ one: secret.slice(12) }, { one: secret.slice(12) }],
  });
  assertEquals(new TextDecoder("latin1").decode(sent).includes("secret"), false);
});

Deno.test("encodeMessage() refuses what no message may hold", () => {
  for (const value of [2n, Symbol("a"), () => {}]) {
    assertThrows(() => encodeMessage({ type: "a", value }), TypeError, "in a message");
  }
});

Deno.test("encodeMessage() refuses messages that the other side would refuse", () => {
  const tooLarge = { type: "work", arg: new Uint8Array(MAX_MESSAGE_BYTES) };
  assertThrows(
    () => encodeMessage(tooLarge),
    RangeError,
    "send large values over a channel",
  );
});

type Work = { type: "work"; at: number; arg: Uint8Array<ArrayBuffer> };
const WORK: Schema<Work> = { work: { at: integer, arg: bytes } };

Deno.test("decodeMessage() leaves bytes where they are, in the memory of the message", () => {
  const arg = crypto.getRandomValues(new Uint8Array(1_000));
  for (const shown of [arg, arg.subarray(0, 0), arg.subarray(7, 500)]) {
    const received = body({ type: "work", at: 3, arg: shown } as Work);
    const message = decodeMessage(WORK, received);
    assertEquals(message, { type: "work", at: 3, arg: shown.slice() });
    assert(message.arg.buffer === received.buffer);
  }
});

Deno.test("decodeMessage() takes the same bytes twice, and no references", () => {
  type Pair = { type: "pair"; one: Uint8Array; two: Uint8Array };
  const pair: Schema<Pair> = { pair: { one: bytes, two: bytes } };
  const whole = new Uint8Array(9).fill(4);
  for (const two of [whole, whole.subarray(3), new Uint8Array(whole.buffer)]) {
    assertEquals(decodeMessage(pair, body({ type: "pair", one: whole, two } as Pair)), {
      type: "pair",
      one: whole,
      two,
    });
  }
  // As the codec encodes one object that occurs twice in a value.
  const message: Pair = { type: "pair", one: whole, two: whole };
  assertThrows(() => decodeMessage(pair, encode(message)), ProtocolError, "malformed value");
});

Deno.test("decodeMessage() skips what the schema does not name, and makes nothing of it", () => {
  const known = { type: "work", at: 3, arg: BYTES };
  const added = { list: [1, -7, 2.5, "text", [null, true]], inner: { a: BYTES, b: "\u2028" } };
  assertEquals(decodeMessage(WORK, body({ ...known, ...added })), known);
  for (const value of [new Map(), new Set([1]), new Date(), /a/, 2n, new Error("no")]) {
    assertThrows(() => decodeMessage(WORK, encode({ ...known, value })), ProtocolError);
  }
  const deep = JSON.parse("[".repeat(20) + "]".repeat(20));
  assertThrows(() => decodeMessage(WORK, encode({ ...known, deep })), ProtocolError, "too deeply");
});

Deno.test("decodeMessage() refuses a field that comes twice, and an object without a type", () => {
  const twice = new Uint8Array([0, 0xa3, ...key("type"), 0x81, 97, ...key("b"), 1, ...key("b"), 2]);
  const schema = { a: { b: integer } } as unknown as Schema<{ type: "a"; b: number }>;
  assertThrows(() => decodeMessage(schema, twice), ProtocolError, 'a second "b"');
  assertThrows(() => decodeMessage(schema, encode({ b: 1 })), ProtocolError, "it is not a message");
  assertEquals(decodeMessage(schema, encode({ b: 1, type: "a" })), { type: "a", b: 1 });
  const late = { b: 1, type: "a" };
  assertEquals(encodeMessage(late), encodeMessage({ type: "a", b: 1 }));
});

function key(name: string): number[] {
  return [name.length, ...new TextEncoder().encode(name)];
}

/** Bodies that cost a decoder of any value far more than their bytes. */
const COSTLY: Readonly<Record<string, () => Uint8Array<ArrayBuffer>>> = {
  "numbers of one hash, as keys of a Map": () => {
    // Multiples of 2³² are hashed alike by the engine.
    const keys = Array.from({ length: 20_000 }, (_, index) => [(index + 1) * 2 ** 32, 0] as const);
    return encode({ type: "work", at: 1, arg: BYTES, more: new Map(keys) });
  },
  "empty objects": () => filled(0xa0),
  "empty lists": () => filled(0xb0),
};

/** The body of a message with a list of a million values of that tag, in a field that is not known. */
function filled(tag: number): Uint8Array<ArrayBuffer> {
  const start = body({ type: "work", at: 1, arg: BYTES });
  start[1] = 0xa0 + 4;
  const count = 1_000_000;
  const list = [0xce, count % 128 + 128, (count >> 7) % 128 + 128, count >> 14];
  const bytes = new Uint8Array([...start, ...key("more"), ...list]);
  const all = new Uint8Array(bytes.length + count).fill(tag);
  all.set(bytes);
  return all;
}

for (const [what, make] of Object.entries(COSTLY)) {
  Deno.test(`decodeMessage() takes no memory for ${what}`, () => {
    const costly = make();
    const before = Deno.memoryUsage().heapUsed;
    try {
      decodeMessage(WORK, costly);
    } catch (error) {
      assert(error instanceof ProtocolError);
    }
    const taken = Deno.memoryUsage().heapUsed - before;
    assert(taken < 8 * costly.length + 1_000_000, `${taken} bytes, of ${costly.length} received`);
  });
}

Deno.test("MessageDecoder refuses a message that is too large for its type before it is there", () => {
  const schema = { work: WORK.work, small: { at: integer } };
  const decoder = new MessageDecoder({ messages: schema });
  const large = encodeMessage({ type: "small", at: 1, more: new Uint8Array(1_000_000) });
  assertThrows(
    () => [...decoder.push(large.subarray(0, 1_000))],
    ProtocolError,
    'a message "small" of 1000028 bytes; the limit is 65536',
  );
  const unknown = encodeMessage({ type: "other", more: new Uint8Array(1_000_000) });
  assertThrows(
    () => [...new MessageDecoder({ messages: schema }).push(unknown.subarray(0, 1_000))],
    ProtocolError,
    'a message "other" of',
  );
  const rubbish = new Uint8Array(1_000).with(1, 16);
  assertThrows(
    () => [...new MessageDecoder({ messages: schema }).push(rubbish)],
    ProtocolError,
    "it is not a message",
  );
  const work = { type: "work", at: 1, arg: new Uint8Array(1_000_000).fill(3) };
  const [received] = [...new MessageDecoder({ messages: schema }).push(encodeMessage(work))];
  assertEquals(decodeMessage(WORK, received!), work);
});

Deno.test("MessageDecoder takes memory as bytes arrive", () => {
  const decoder = new MessageDecoder({ messages: WORK });
  const before = Deno.memoryUsage().external;
  const begun = encodeMessage({ type: "work", at: 1, arg: new Uint8Array(1_000) });
  new DataView(begun.buffer, begun.byteOffset).setUint32(0, 200 * 2 ** 20);
  assertEquals([...decoder.push(begun)], []);
  assert(Deno.memoryUsage().external - before < 2 ** 20);
});

Deno.test("bodies of MessageDecoder and encodeBody() can be forwarded unchanged", () => {
  const message = { type: "work", at: 5, arg: BYTES };
  const sent = encodeMessage(message);
  assertEquals(framed(encodeBody(message)), sent);
  const [received] = [...new MessageDecoder().push(new Uint8Array(sent))];
  const again = framed(received!);
  assertEquals(again, sent);
  assert(again.buffer === received!.buffer, "it is no copy");
  assertEquals(framed(received!), sent);
});
